"""``write_golden``: the small folder of a project; ``renew``: the same with what a check found."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.golden.arrays import write_arrays
from firmware.golden.budgets import BUDGETS, check_budgets, text_of_budgets
from firmware.golden.folder import GOLDEN, read_golden, seal
from firmware.golden.kinds import kind_of
from firmware.golden.values import Values, compare_values
from firmware.golden.versions import result_versions
from firmware.project import Manifest, Project, read_project
from firmware.project.atomic import whole_folder
from firmware.project.folder import check_name
from firmware.settings import FirmwareSettings

__all__ = ["Renewal", "figures_of", "generated_digests", "renew", "write_golden"]

_GENERATED = ("emulator", "hls", "rtl")
_VECTORS_OF_HLS = "hls/tb_data/"
_FIGURES = ("latency_cycles", "ii", "lut", "ff", "dsp")


@dataclass(frozen=True, eq=False)
class Renewal:
    """What a check found, to become golden; fields as of :class:`Golden`."""

    outputs: Mapping[str, NDArray[np.int64]]
    fractions: Mapping[str, int]
    steps: Mapping[str, str]
    ports: tuple[Mapping[str, Any], ...]
    figures: Mapping[str, int]
    generated: Mapping[str, str]


def write_golden(
    project: Path | str, folder: Path | str, *, budgets: Mapping[str, float] | None = None, vectors: int | None = None
) -> Path:
    """Write the golden folder of a project, whole or not at all.

    Parameters
    ----------
    project : path
        Folder that :func:`firmware.convert` wrote, unedited.
    folder : path
        New, or an earlier golden project, which is replaced in one step.
    budgets : mapping, optional
        Of ``latency_cycles``, ``latency_ns``, ``ii``, ``lut``, ``ff``, ``dsp``; default for each: the project's figure.
    vectors : int, optional
        Events to keep, evenly from those stored in the project. Default: at most 500 of a network or 200 of a vertex
        finder, fewer where these would be more than some 250 kB of text.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UserError
        The project is none, was edited, failed its verification or disagrees with its own network; budgets are
        refused; or something else is in the folder's place.
    """
    folder = Path(folder)
    check_name(folder.resolve().name)
    if vectors is not None and vectors < 1:
        raise UserError(f"number of vectors must be at least 1, not {vectors}")
    if folder.exists() and not (folder.is_dir() and ((folder / GOLDEN).is_file() or not any(folder.iterdir()))):
        raise UserError(f"output folder '{folder}' must be new, empty, or a golden project to replace; choose another")
    opened = read_project(project)
    _refuse_failed(opened)
    manifest = opened.manifest
    settings = FirmwareSettings(**manifest.settings)
    kind = kind_of(manifest.kind)
    inputs, outputs, fractions = kind.stored(opened, vectors)
    model = kind.watch(opened, "model", inputs)
    owner = model.values.owner
    words = {name: array.astype(np.int64) for name, array in outputs.items()}
    apart = compare_values(Values(words, fractions, model.values.events, owner), model.values)
    if apart.moved:
        raise UserError(
            f"vectors of project '{manifest.name}' must be what its network computes, and {apart.moved} of "
            f"{apart.events} events differ ({apart.text}); verify the project, and generate it again"
        )
    figures = figures_of(manifest)
    limits = _limits(budgets or {}, figures)
    check_budgets(limits, settings, "the budgets")
    with whole_folder(folder) as aside:
        shutil.copytree(opened.folder / "model", aside / "model")
        if (opened.folder / "about.json").is_file():
            shutil.copyfile(opened.folder / "about.json", aside / "about.json")
        (aside / BUDGETS).write_text(text_of_budgets(limits))
        _fill(aside, inputs, words)
        seal(aside, {
            "name": manifest.name, "kind": manifest.kind, "settings": dict(manifest.settings),
            "versions": result_versions(), "ports": list(manifest.ports), "figures": figures,
            "steps": dict(model.steps), "generated": generated_digests(manifest.files),
            "events": model.values.events, "fractions": dict(fractions),
        })  # fmt: skip
        read_golden(aside)
    return folder


def renew(folder: Path | str, renewal: Renewal) -> tuple[str, ...]:
    """Make what a check found golden: the folder is replaced whole.

    A budget that was the old figure becomes the new one; a budget set by hand stays.

    Returns
    -------
    tuple of str
        What was renewed, one line each.

    Raises
    ------
    UserError
        The golden project is damaged, or the new budgets contradict its settings.
    """
    golden = read_golden(folder)
    limits = dict(golden.budgets)
    lines = []
    for name in _FIGURES:
        then, now = golden.figures[name], renewal.figures[name]
        if then != now and limits.get(name) == then:
            limits[name] = now
            lines.append(f"budget {name}: {then} -> {now}")
    check_budgets(limits, golden.firmware_settings, "the budgets")
    versions = result_versions()
    kept = [path for path in golden.folder.iterdir() if path.name not in (GOLDEN, BUDGETS, "vectors")]
    with whole_folder(golden.folder) as aside:
        for path in kept:
            (shutil.copytree if path.is_dir() else shutil.copyfile)(path, aside / path.name)
        (aside / BUDGETS).write_text(text_of_budgets(limits))
        _fill(aside, golden.inputs, renewal.outputs)
        seal(aside, {
            "name": golden.name, "kind": golden.kind, "settings": dict(golden.settings), "versions": versions,
            "ports": list(renewal.ports), "figures": dict(renewal.figures), "steps": dict(renewal.steps),
            "generated": dict(renewal.generated), "events": golden.events, "fractions": dict(renewal.fractions),
        })  # fmt: skip
        read_golden(aside)
    return (*lines, f"{golden.events} events of expected words, figures and versions")


def figures_of(manifest: Manifest) -> dict[str, int]:
    """The figures that budgets limit, as a project's manifest states them."""
    resources = {name: int(manifest.resources[name]) for name in ("lut", "ff", "dsp")}
    return {"latency_cycles": manifest.latency_cycles, "ii": manifest.ii, **resources}


def generated_digests(files: Mapping[str, str]) -> dict[str, str]:
    """One digest for each generated folder, from the hashes in a manifest; without the HLS test bench's vectors."""
    digests = {}
    for folder in _GENERATED:
        listed = {
            name: digest
            for name, digest in sorted(files.items())
            if name.startswith(f"{folder}/") and not name.startswith(_VECTORS_OF_HLS)
        }
        digests[folder] = hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]
    return digests


def _limits(budgets: Mapping[str, float], figures: Mapping[str, int]) -> dict[str, float]:
    """Budgets that were given, and figures for the others; a latency in ns replaces the one in cycles."""
    limits: dict[str, float] = {name: figures[name] for name in _FIGURES}
    if "latency_ns" in budgets and "latency_cycles" not in budgets:
        del limits["latency_cycles"]
    return {**limits, **budgets}


def _fill(folder: Path, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[np.int64]]) -> None:
    (folder / "vectors").mkdir()
    write_arrays(folder / "vectors", "in", inputs)
    write_arrays(folder / "vectors", "out", outputs)


def _refuse_failed(project: Project) -> None:
    path = project.folder / "verify.json"
    try:
        failed = path.is_file() and json.loads(path.read_text())["passed"] is not True
    except (ValueError, KeyError, TypeError):
        failed = True
    if failed:
        raise UserError(
            f"project '{project.manifest.name}' must not have failed its verification, and verify.json says so; "
            "generate it again, and verify it"
        )
