"""Test vectors of a finder's project: track words in, vertices and association words out.

``in_start.npy``, ``in_lane.npy``, ``in_words.npy`` are a `FinderEvents`, ``out_<name>.npy`` the fields of
`FinderOutputs`. ``vectors.txt`` says the same for a board or another simulator, a line a track and a line an event:

    T <event> <lane> <track word, hexadecimal> <kept> <weight> <association>
    V <event> <bin> <z0> <peak> <truncated>
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.vertex.events import FinderEvents, FinderOutputs

__all__ = ["read_vectors", "text_matches", "write_vectors"]

TEXT = "vectors.txt"
_INPUTS: dict[str, Any] = {"start": np.int64, "lane": np.uint8, "words": np.uint32}
_OUTPUTS: dict[str, Any] = {
    "bin": np.int32, "z0": np.int32, "peak": np.int64, "truncated": np.bool_, "kept": np.bool_, "weight": np.int64,
    "association": np.int64,
}  # fmt: skip


def write_vectors(folder: Path, events: FinderEvents, outputs: FinderOutputs) -> None:
    """Write the arrays and the text file into a folder, which is made."""
    folder.mkdir(parents=True)
    for name, dtype in _INPUTS.items():
        np.save(folder / f"in_{name}.npy", getattr(events, name).astype(dtype))
    for name, dtype in _OUTPUTS.items():
        np.save(folder / f"out_{name}.npy", getattr(outputs, name).astype(dtype))
    (folder / TEXT).write_text(_text(events, outputs))


def read_vectors(folder: Path) -> tuple[FinderEvents, FinderOutputs]:
    """Read the arrays.

    Raises
    ------
    UserError
        A file is missing, or the arrays do not fit together.
    """
    start, lane, words = (_load(folder, f"in_{name}.npy") for name in _INPUTS)
    try:
        events = FinderEvents(start.astype(np.int64), lane.astype(np.int64), words)
    except UserError as error:
        raise UserError(f"vector files must be whole: {error}; generate the project again") from None
    found: dict[str, Any] = {}
    for field in fields(FinderOutputs):
        array = _load(folder, f"out_{field.name}.npy")
        per_track = field.name in ("kept", "weight", "association")
        wanted = (len(events.words) if per_track else len(events),)
        if array.shape != wanted:
            raise UserError(
                f"vector file 'out_{field.name}.npy' must have shape {wanted}, not {array.shape}; "
                "generate the project again"
            )
        found[field.name] = array.astype(np.bool_ if _OUTPUTS[field.name] is np.bool_ else np.int64)
    return events, FinderOutputs(**found)


def text_matches(folder: Path, events: FinderEvents, outputs: FinderOutputs) -> bool:
    """Whether the text file says the same as the arrays."""
    path = folder / TEXT
    return path.is_file() and path.read_bytes() == _text(events, outputs).encode()


def _load(folder: Path, name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(folder / name, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"vector file '{name}' must be an array file, and cannot be read ({error}); generate the project again"
        ) from None
    if array.dtype.kind not in "iub":
        raise UserError(f"vector file '{name}' must hold integers, not {array.dtype}; generate the project again")
    return array


def _text(events: FinderEvents, outputs: FinderOutputs) -> str:
    lines = [
        "# T event lane track_word kept weight association; V event bin z0 peak truncated; "
        "all decimal but the track word"
    ]
    kept = outputs.kept.astype(int)
    for event in range(len(events)):
        for track in range(int(events.start[event]), int(events.start[event + 1])):
            word = "".join(f"{part:08x}" for part in events.words[track][::-1])
            lines.append(
                f"T {event} {events.lane[track]} {word} {kept[track]} {outputs.weight[track]} "
                f"{outputs.association[track]}"
            )
        lines.append(
            f"V {event} {outputs.bin[event]} {outputs.z0[event]} {outputs.peak[event]} {int(outputs.truncated[event])}"
        )
    return "\n".join(lines) + "\n"
