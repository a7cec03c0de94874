"""A vertex finder in, a complete project out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from firmware.errors import UserError
from firmware.legality import check
from firmware.network.qkeras_io import from_qkeras, to_qkeras
from firmware.network.serial import to_json
from firmware.project import Manifest, hash_files, new_project, package_versions, write_manifest
from firmware.project.folder import check_name
from firmware.rtl import stage_budget_ns
from firmware.settings import FirmwareSettings
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.events import FinderEvents, check_events
from firmware.vertex.finder import VertexFinder
from firmware.vertex.hls import write_finder_hls, write_finder_vectors
from firmware.vertex.programs import FinderPrograms, trace_finder
from firmware.vertex.project import keep_models, load_models, networks, save_programs
from firmware.vertex.resources import estimate_finder
from firmware.vertex.rtl.write import FinderRtl, write_finder_rtl
from firmware.vertex.rungs import middle_word
from firmware.vertex.serial import finder_to_json
from firmware.vertex.stimulus import finder_stimulus
from firmware.vertex.vectors import write_vectors

__all__ = ["KIND", "convert_finder"]

KIND = "vertex_finder"
"""Of the manifest."""

_DEFAULT_VECTORS = 500
_TEST_BENCH_EVENTS = 200
"""In ``hls/tb_data/``, for the vendor's own simulations, which are slow."""
_MOST_VECTORS = 2_000
"""Events that are stored: a thousand are some 30 MB of text."""


def convert_finder(
    finder: VertexFinder, out_dir: Path | str, settings: FirmwareSettings | None = None, *, name: str,
    models: Mapping[str, Any] | None = None, events: FinderEvents | None = None,
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write a finder's project: HLS, Verilog, emulator, vectors and manifest, whole or not at all.

    The HLS is made from QKeras models by hls4ml, with the blocks around them in C++; emulator and Verilog from the
    description, independently of it. That they agree is not assumed: :func:`firmware.verify` measures it.

    Parameters
    ----------
    finder : VertexFinder
    out_dir : path
        Folder in which the project's folder is made. A project of that name there is replaced, in one step, once
        the new one is complete.
    settings : FirmwareSettings, optional
    name : str
        Name of the project and of its folder.
    models : mapping of ``weight``, ``pattern``, ``association`` to tf_keras.Model, optional
        The trained QKeras models that the finder's networks were read from; default: models made from the networks.
    events : FinderEvents, optional
        The study's test events; the first 2,000 are stored as vectors. Default: patterns and random words.
    about : mapping of JSON values, optional
        What the words mean; kept as ``about.json``.

    Returns
    -------
    Path
        The project's folder.

    Raises
    ------
    UserError
        A network or a setting cannot be had in firmware exactly, nothing can meet the latency budget, models are not
        those of the finder, events do not fit, or something else is in the folder's place. Nothing is left behind,
        and an earlier project is untouched.
    """
    settings = settings if settings is not None else FirmwareSettings()
    check_name(name)
    if events is not None:
        check_events(finder, events)
    folder = Path(out_dir) / name
    with new_project(folder) as project:
        for network in networks(finder).values():
            check(network, settings)
        keep_models(project, models if models is not None else _models_of(finder))
        loaded = load_models(project)
        _check_models(finder, loaded)
        (project / "model" / "finder.json").write_text(finder_to_json(finder))
        programs = trace_finder(finder, stage_ns=stage_budget_ns(settings))
        save_programs(project, programs)
        rtl = write_finder_rtl(finder, project / "rtl", settings, programs)
        write_finder_hls(finder, loaded, project / "hls", settings, name="vertex_finder")
        stored = _stored_events(finder, events)
        emulator = FinderEmulator(finder, programs)
        write_vectors(project / "vectors", stored, emulator.run(stored))
        shown = stored.take(0, _TEST_BENCH_EVENTS)
        outputs = emulator.run(shown)
        write_finder_vectors(project / "hls", shown, outputs, threshold=middle_word(outputs))
        if about is not None:
            (project / "about.json").write_text(json.dumps(about, indent=1) + "\n")
        source = "study" if events is not None else "default"
        vectors = {"source": source, "events": len(stored)}
        write_manifest(project, _manifest(name, finder, settings, programs, rtl, vectors, project))
    return folder


def _models_of(finder: VertexFinder) -> dict[str, Any]:
    return {name: to_qkeras(network) for name, network in networks(finder).items()}


def _check_models(finder: VertexFinder, models: Mapping[str, Any]) -> None:
    for name, network in networks(finder).items():
        if to_json(from_qkeras(models[name])) != to_json(network):
            raise UserError(
                f"model '{name}' must be the one that the finder's network '{name}' describes, and is not; read the "
                "network from the model with from_qkeras"
            )


def _stored_events(finder: VertexFinder, events: FinderEvents | None) -> FinderEvents:
    if events is None:
        return finder_stimulus(finder, n_events=_DEFAULT_VECTORS).events
    if not len(events):
        raise UserError("events of a project must be at least 1, not 0; leave them out for patterns and random words")
    return events.take(0, _MOST_VECTORS)


def _manifest(
    name: str, finder: VertexFinder, settings: FirmwareSettings, programs: FinderPrograms, rtl: FinderRtl,
    vectors: Mapping[str, Any], project: Path,
) -> Manifest:
    return Manifest(
        name=name, kind=KIND, settings=asdict(settings), packages=package_versions(), ports=_ports(finder),
        latency_cycles=rtl.latency_cycles, ii=rtl.ii, clock_period_ns=settings.clock_period_ns,
        resources=asdict(estimate_finder(finder, settings, programs)), vectors=vectors, files=hash_files(project),
    )  # fmt: skip


def _ports(finder: VertexFinder) -> tuple[dict[str, Any], ...]:
    """The words that enter and leave, as manifests describe ports."""

    def whole(name: str, direction: str, width: int, signed: bool = False, lanes: int = 0) -> dict[str, Any]:
        return {
            "name": name, "direction": direction, "shape": [lanes] if lanes else [], "fraction": 0, "width": width,
            "integer": width - int(signed), "signed": signed, "symmetric": False, "binary": False,
        }  # fmt: skip

    def formatted(name: str, fmt: Any, lanes: int = 0) -> dict[str, Any]:
        shape = [lanes] if lanes else []
        return {"name": name, "direction": "output", "shape": shape, "fraction": fmt.fraction, **asdict(fmt)}

    return (
        whole("track", "input", finder.word_bits, lanes=finder.lanes),
        {**formatted("association_threshold", finder.association_format), "direction": "input"},
        whole("vertex_bin", "output", finder.bins.bit_length() - 1),
        whole("vertex_z0", "output", finder.z0.width, signed=True),
        formatted("vertex_peak", finder.pattern_format),
        whole("vertex_truncated", "output", 1),
        formatted("track_association", finder.association_format, finder.lanes),
        whole("track_associated", "output", 1, lanes=finder.lanes),
    )
