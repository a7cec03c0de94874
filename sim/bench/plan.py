"""What to drive, edge by edge, read from a folder.

The folder is named by the environment variable ``TRIGGER_BENCH_DIR`` and holds

``plan.json``
    ``{"inputs": [{"name", "bits"}], "outputs": [{"name", "bits"}], "watch": [signal, ...]}``.
``control.bin``
    One byte for each clock edge: bit 0 is ``in_valid``, bit 1 is ``rst``, as that edge samples them.
``bus.bin``
    One native int32 for each clock edge: the row of every input file that is on the data inputs at that edge.
``<input>.in``
    Rows of ``ceil(bits / 8)`` bytes, little-endian: one packed port value a row.
"""

from __future__ import annotations

import json
import os
from array import array
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BENCH_DIR", "Plan", "Port", "row_bytes"]

BENCH_DIR = "TRIGGER_BENCH_DIR"


@dataclass(frozen=True)
class Port:
    """A data port of the device: its name, and its width as the project states it."""

    name: str
    bits: int


def row_bytes(bits: int) -> int:
    """Bytes of one packed port value."""
    return (bits + 7) // 8


@dataclass(frozen=True)
class Plan:
    """The stimulus, already packed: integers of whole ports, and three lines of control."""

    folder: Path
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    watch: tuple[str, ...]
    valid: list[int]
    rst: list[int]
    bus: array[int]
    rows: dict[str, list[int]]

    @classmethod
    def read(cls) -> Plan:
        """The plan of the folder that the environment names."""
        folder = Path(os.environ[BENCH_DIR])
        head = json.loads((folder / "plan.json").read_text())
        inputs = tuple(Port(**port) for port in head["inputs"])
        control = (folder / "control.bin").read_bytes()
        bus = array("i")
        bus.frombytes((folder / "bus.bin").read_bytes())
        return cls(
            folder=folder,
            inputs=inputs,
            outputs=tuple(Port(**port) for port in head["outputs"]),
            watch=tuple(head["watch"]),
            valid=[byte & 1 for byte in control],
            rst=[byte >> 1 & 1 for byte in control],
            bus=bus,
            rows={port.name: _read_rows(folder / f"{port.name}.in", port.bits) for port in inputs},
        )

    @property
    def edges(self) -> int:
        """Rising clock edges to run."""
        return len(self.valid)


def _read_rows(path: Path, bits: int) -> list[int]:
    data, step = path.read_bytes(), row_bytes(bits)
    return [int.from_bytes(data[i : i + step], "little") for i in range(0, len(data), step)]
