"""Test vectors of a project: integer words in, expected integer words out.

``in_<port>.npy`` and ``out_<port>.npy`` are integer arrays of shape (events, *shape). ``vectors.txt`` holds the same
for a board or another simulator: one event a line, one hexadecimal number a port, packed as the Verilog ports are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.project.packing import pack

__all__ = ["VectorPort", "Vectors", "read_vectors", "text_matches", "write_vectors"]

TEXT = "vectors.txt"


class VectorPort(Protocol):
    """A tensor that enters or leaves."""

    @property
    def name(self) -> str:
        """Name of the tensor."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one event."""

    @property
    def format(self) -> FixedPoint:
        """Format of its words."""


@dataclass(frozen=True)
class Vectors:
    """Words by port name; int64 arrays of shape (events, *shape)."""

    inputs: dict[str, NDArray[np.int64]]
    outputs: dict[str, NDArray[np.int64]]

    @property
    def events(self) -> int:
        """Number of events."""
        return len(next(iter(self.inputs.values())))


def write_vectors(folder: Path, vectors: Vectors, inputs: Sequence[VectorPort], outputs: Sequence[VectorPort]) -> None:
    """Write the arrays, in the smallest integer type that holds each port's format, and the text file."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, ports, table in (("in", inputs, vectors.inputs), ("out", outputs, vectors.outputs)):
        for port in ports:
            np.save(folder / f"{prefix}_{port.name}.npy", table[port.name].astype(_smallest(port.format)))
    (folder / TEXT).write_text(_text(vectors, inputs, outputs))


def read_vectors(folder: Path, inputs: Sequence[VectorPort], outputs: Sequence[VectorPort]) -> Vectors:
    """Read the arrays.

    Raises
    ------
    UserError
        A file is missing or is no integer array of the port's shape.
    """
    found: dict[str, dict[str, NDArray[np.int64]]] = {"in": {}, "out": {}}
    counts = set()
    for prefix, ports in (("in", inputs), ("out", outputs)):
        for port in ports:
            name = f"{prefix}_{port.name}.npy"
            try:
                words = np.load(folder / name, allow_pickle=False)
            except (OSError, ValueError) as error:
                raise UserError(
                    f"vector file '{name}' must be an array file, and cannot be read ({error}); "
                    "generate the project again"
                ) from None
            if words.dtype.kind not in "iu" or words.shape[1:] != tuple(port.shape):
                raise UserError(
                    f"vector file '{name}' must hold integers of shape (events, {', '.join(map(str, port.shape))}), "
                    f"not {words.dtype} {words.shape}; generate the project again"
                )
            found[prefix][port.name] = words.astype(np.int64)
            counts.add(len(words))
    if len(counts) != 1 or 0 in counts:
        raise UserError(
            f"vector files must hold the same number of events, at least 1, not {sorted(counts)}; "
            "generate the project again"
        )
    return Vectors(found["in"], found["out"])


def text_matches(folder: Path, vectors: Vectors, inputs: Sequence[VectorPort], outputs: Sequence[VectorPort]) -> bool:
    """Whether the text file says the same as the arrays."""
    path = folder / TEXT
    return path.is_file() and path.read_bytes() == _text(vectors, inputs, outputs).encode()


def _smallest(form: FixedPoint) -> np.dtype[np.signedinteger | np.unsignedinteger]:
    return np.result_type(np.min_scalar_type(form.lowest), np.min_scalar_type(form.highest))


def _text(vectors: Vectors, inputs: Sequence[VectorPort], outputs: Sequence[VectorPort]) -> str:
    columns, heads = [], []
    for prefix, ports, table in (("in", inputs, vectors.inputs), ("out", outputs, vectors.outputs)):
        for port in ports:
            bits = port.format.width * int(np.prod(port.shape, dtype=np.int64))
            columns.append(_hexadecimal(table[port.name], port.format.width, bits))
            heads.append(f"{prefix}_{port.name}[{bits - 1}:0]")
    lines = [f"# {' '.join(heads)}"] + [" ".join(row) for row in zip(*columns, strict=True)]
    return "\n".join(lines) + "\n"


def _hexadecimal(words: NDArray[np.int64], width: int, bits: int) -> list[str]:
    digits = (bits + 3) // 4
    return [f"{int.from_bytes(row.tobytes(), 'little'):0{digits}x}" for row in pack(words, width)]


