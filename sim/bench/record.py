"""What came out, written into the plan's folder.

``valid_edges.bin``
    Native int32: the number of each clock edge that sampled ``out_valid`` high.
``<output>.out``
    For each of those edges the packed port value, ``ceil(bits / 8)`` bytes, little-endian.
``watch.jsonl``
    For each edge the watched signals, as strings of 0, 1, X and Z (only if the plan watches any).
``record.json``
    ``{"edges", "widths": {port: bits of the device}, "unknown": [[edge, port, text], ...]}``; written last.
"""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass, field
from pathlib import Path

from sim.bench.plan import Port

__all__ = ["Record"]

_MOST_UNKNOWN = 1000


@dataclass
class Record:
    """Grows by one row at each edge with ``out_valid``."""

    outputs: tuple[Port, ...]
    valid_edges: array[int] = field(default_factory=lambda: array("i"))
    words: dict[str, bytearray] = field(default_factory=dict)
    watched: list[list[str]] = field(default_factory=list)
    unknown: list[tuple[int, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.words = {port.name: bytearray() for port in self.outputs}

    def add_unknown(self, edge: int, port: str, text: str) -> None:
        """Note a port that showed X or Z; a thousand notes are enough."""
        if len(self.unknown) < _MOST_UNKNOWN:
            self.unknown.append((edge, port, text))

    def write(self, folder: Path, edges: int, widths: dict[str, int]) -> None:
        """Write everything, ``record.json`` last: its presence says that the rest is whole."""
        (folder / "valid_edges.bin").write_bytes(self.valid_edges.tobytes())
        for name, data in self.words.items():
            (folder / f"{name}.out").write_bytes(bytes(data))
        if self.watched:
            (folder / "watch.jsonl").write_text("".join(json.dumps(row) + "\n" for row in self.watched))
        head = {"edges": edges, "widths": widths, "unknown": self.unknown}
        (folder / "record.json").write_text(json.dumps(head))
