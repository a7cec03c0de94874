"""The folder of a golden project: ``golden.json`` with a hash of every file, and what is in them.

::

    golden.json     what it was made from and with: settings, versions, figures, digests of layers, hashes of files
    budgets.json    what the firmware may take at most; the one file that is meant to be edited
    model/          the QKeras model, or a finder's three, and the description
    vectors/        in_<name>.txt and out_<name>.txt: integer words and the expected ones
    about.json      what the words mean, if the project says so
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.golden.arrays import read_array
from firmware.golden.budgets import BUDGETS, read_budgets
from firmware.settings import FirmwareSettings

__all__ = ["GOLDEN", "Golden", "find_goldens", "hashes", "read_golden", "seal"]

GOLDEN = "golden.json"
SCHEMA = 1
_ABOUT = "about.json"
_REMEDY = "restore it from your repository, or make the golden project again with: trigger golden"


@dataclass(frozen=True, kw_only=True, eq=False)
class Golden:
    """A golden project.

    Parameters
    ----------
    folder : Path
    name : str
        Of the project that it was made from.
    kind : str
        As in a project's manifest.
    settings : mapping
        The FirmwareSettings.
    versions : mapping of str to str
        Of every package that can change a result, when it was made.
    ports : tuple of mappings
        As in a project's manifest.
    figures : mapping
        ``latency_cycles``, ``ii``, ``lut``, ``ff``, ``dsp`` when it was made.
    steps : mapping of layer or block to digest of its words for all inputs, in the order of the data
    generated : mapping of a generated folder to the digest of its files
    events : int
    fractions : mapping of output name to int
    budgets : mapping
    inputs, outputs : mappings of name to int64 array
    """

    folder: Path
    name: str
    kind: str
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    ports: tuple[Mapping[str, Any], ...]
    figures: Mapping[str, int]
    steps: Mapping[str, str]
    generated: Mapping[str, str]
    events: int
    fractions: Mapping[str, int]
    budgets: Mapping[str, float]
    inputs: Mapping[str, NDArray[np.int64]]
    outputs: Mapping[str, NDArray[np.int64]]

    @property
    def firmware_settings(self) -> FirmwareSettings:
        """The settings, checked."""
        return FirmwareSettings(**self.settings)

    @property
    def about(self) -> Any:
        """What the words mean; None if nothing says so."""
        path = self.folder / _ABOUT
        return json.loads(path.read_text()) if path.is_file() else None


def find_goldens(path: Path) -> list[Path]:
    """The golden project at a path, or all in it.

    Raises
    ------
    UserError
        There is none.
    """
    if (path / GOLDEN).is_file():
        return [path]
    found = sorted(child.parent for child in path.glob(f"*/{GOLDEN}")) if path.is_dir() else []
    if not found:
        raise UserError(
            f"'{path}' must be a golden project or a folder of them, and holds no {GOLDEN}; make one with: "
            "trigger golden PROJECT --out DIR"
        )
    return found


def read_golden(folder: Path | str) -> Golden:
    """Open a golden project, having compared every file with ``golden.json``.

    Raises
    ------
    UserError
        A file is missing, altered or extra; the settings or budgets are refused; vectors do not fit the ports. The
        message names the file.
    """
    from firmware.golden.kinds import kind_of

    folder = Path(folder)
    data = _read_json(folder)
    found = hashes(folder)
    for name, digest in data["files"].items():
        if name not in found:
            raise UserError(f"file '{name}' of golden project '{folder.name}' must be there, and is missing; {_REMEDY}")
        if found[name] != digest:
            what = "model in" if name.startswith("model/") else "file"
            raise UserError(
                f"{what} '{name}' of golden project '{folder.name}' must be the one in {GOLDEN}, and was altered; "
                f"{_REMEDY}"
            )
    extra = [name for name in found if name not in data["files"]]
    if extra:
        raise UserError(f"file '{extra[0]}' of golden project '{folder.name}' must be in {GOLDEN}; remove it")
    try:
        settings = FirmwareSettings(**data["settings"])
        golden = Golden(
            folder=folder, name=data["name"], kind=data["kind"], settings=data["settings"],
            versions=data["versions"], ports=tuple(data["ports"]), figures=data["figures"], steps=data["steps"],
            generated=data["generated"], events=data["events"], fractions=data["fractions"],
            budgets=read_budgets(folder, settings), inputs=_arrays(folder, "in"), outputs=_arrays(folder, "out"),
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise UserError(f"{GOLDEN} of '{folder}' must be complete, and is not ({error}); {_REMEDY}") from None
    kind_of(golden.kind).check_arrays(golden)
    return golden


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of the files that ``golden.json`` answers for."""
    paths = [*sorted(folder.glob("model/*")), *sorted(folder.glob("vectors/*")), folder / _ABOUT]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file() and not path.name.startswith(".")
    }


def seal(folder: Path, data: Mapping[str, Any]) -> None:
    """Write ``golden.json`` over the files that lie in a folder.

    Parameters
    ----------
    folder : Path
        Not yet in place, or in a test: this is not the whole of a golden project, and no rename makes it so.
    data : mapping
        All but ``schema``, ``files`` and ``sha256``.
    """
    whole = {**data, "schema": SCHEMA, "files": hashes(folder)}
    text = json.dumps({**whole, "sha256": _own_hash(whole)}, indent=1)
    (folder / GOLDEN).write_text(text + "\n")


def _read_json(folder: Path) -> dict[str, Any]:
    path = folder / GOLDEN
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{GOLDEN} of '{folder}' must be readable, and is not ({error}); {_REMEDY}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        schema = data.get("schema") if isinstance(data, dict) else None
        raise UserError(f"{GOLDEN} of '{folder}' must have schema {SCHEMA}, not {schema!r}; {_REMEDY}")
    own = data.pop("sha256", None)
    if own != _own_hash(data) or not isinstance(data.get("files"), dict):
        raise UserError(
            f"{GOLDEN} of '{folder}' must be as it was written, and was altered; what you may take is in {BUDGETS}; "
            f"{_REMEDY}"
        )
    return data


def _own_hash(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _arrays(folder: Path, prefix: str) -> dict[str, NDArray[np.int64]]:
    start = f"{prefix}_"
    return {path.stem.removeprefix(start): read_array(path) for path in sorted(folder.glob(f"vectors/{start}*.txt"))}
