"""A schedule through the Verilog: ports packed, bench run, outputs unpacked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.project.packing import pack, row_bytes, unpack
from firmware.vertex.events import FinderEvents
from firmware.vertex.rtl.bench import Note, Noted, run_lines
from firmware.vertex.rtl.schedule import FinderSchedule

__all__ = ["Capture", "PortTable", "read_ports", "run_schedule"]

_VERTEX = ("vertex_bin", "vertex_z0", "vertex_peak", "vertex_truncated")
_TRACK = ("track_valid", "track_association", "track_associated")


@dataclass(frozen=True)
class PortTable:
    """``ports.json`` of a finder's Verilog.

    Parameters
    ----------
    top : str
    sources : tuple of Path
    ports : mapping of port to its entry
    latency_cycles, ii, association_latency, lanes, word_bits, tracks_per_lane : int
    """

    top: str
    sources: tuple[Path, ...]
    ports: Mapping[str, dict[str, Any]]
    latency_cycles: int
    ii: int
    association_latency: int
    lanes: int
    word_bits: int
    tracks_per_lane: int

    @property
    def widths(self) -> dict[str, int]:
        """Bits of every port but the clock."""
        return {"rst": 1, **{name: int(port["width"]) for name, port in self.ports.items()}}


@dataclass(frozen=True)
class Capture:
    """What came out, and when.

    Parameters
    ----------
    vertex_edges : int64 array of shape (n,)
        Edges that sampled ``vertex_valid`` high.
    vertex : mapping of port to int64 array of shape (n,)
    track_edges : int64 array of shape (m,)
        Edges that sampled ``track_valid`` not 0.
    track : mapping of port to int64 array of shape (m, lanes)
    last_edges, error_edges : int64 arrays
        Edges that sampled ``track_last``, ``error`` high.
    problems : tuple of str
        Widths that are not those stated; X and Z.
    """

    vertex_edges: NDArray[np.int64]
    vertex: Mapping[str, NDArray[np.int64]]
    track_edges: NDArray[np.int64]
    track: Mapping[str, NDArray[np.int64]]
    last_edges: NDArray[np.int64]
    error_edges: NDArray[np.int64]
    problems: tuple[str, ...]


def read_ports(rtl_dir: Path) -> PortTable:
    """The table that `write_finder_rtl` wrote.

    Raises
    ------
    UserError
        It cannot be read, or names a source that is not there.
    """
    try:
        table = json.loads((rtl_dir / "ports.json").read_text())
        sources = tuple((rtl_dir / name).resolve() for name in table["sources"])
        for path in sources:
            if not path.is_file() or rtl_dir.resolve() not in path.parents:
                raise ValueError(f"there is no source {path.name}")
        return PortTable(
            top=str(table["top"]), sources=sources,
            ports={port["port"]: port for port in (*table["inputs"], *table["outputs"])},
            **{name: int(table[name]) for name in (
                "latency_cycles", "ii", "association_latency", "lanes", "word_bits", "tracks_per_lane",
            )},
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"ports.json of the finder's Verilog must be the table that was written with it, and cannot be used "
            f"({error}); generate it again"
        ) from None


def run_schedule(
    table: PortTable, events: FinderEvents, schedule: FinderSchedule, *, threshold: int, simulator: str, seed: int
) -> Capture:
    """Drive a schedule and capture what comes out; nothing is judged.

    Raises
    ------
    UserError, ToolFailure
        As `firmware.verify.simulate.simulate`.
    """
    widths = table.widths
    notes = [
        Note("vertex_valid", _VERTEX), Note("track_valid", _TRACK), Note("track_last"), Note("error"),
    ]  # fmt: skip
    drive = _drive(table, events, schedule, threshold, np.random.default_rng(seed))
    (vertex, track, last, error), problems = run_lines(table.sources, table.top, drive, widths, notes, simulator)

    def words(noted: Noted, port: str) -> NDArray[np.int64]:
        entry = table.ports[port]
        shape = (int(entry["elements"]),)
        return unpack(noted.rows[port], int(entry["element_width"]), bool(entry["signed"]), shape)

    return Capture(
        vertex_edges=vertex.edges, vertex={port: words(vertex, port)[:, 0] for port in _VERTEX},
        track_edges=track.edges, track={port: words(track, port) for port in _TRACK},
        last_edges=last.edges, error_edges=error.edges, problems=tuple(problems),
    )  # fmt: skip


def _drive(
    table: PortTable, events: FinderEvents, schedule: FinderSchedule, threshold: int, rng: np.random.Generator
) -> dict[str, NDArray[np.uint8]]:
    edges, lanes = schedule.track.shape
    valid = schedule.track >= 0
    # While rst is high everything may come, and none of it may count.
    noise = schedule.rst[:, None] & (rng.random((edges, lanes)) < 0.5)
    last = (schedule.event >= 0) | (schedule.rst & (rng.random(edges) < 0.5))
    word_bytes = row_bytes(table.word_bits)
    words = rng.integers(0, 256, (edges, lanes, word_bytes), dtype=np.uint8)
    if len(events.words):
        tracks = events.words.astype("<u4").view(np.uint8).reshape(len(events.words), -1)[:, :word_bytes]
        words[valid] = tracks[schedule.track[valid]]
    if table.word_bits % 8 == 0:
        in_track = words.reshape(edges, -1)
    else:
        bits = np.unpackbits(words, axis=2, count=table.word_bits, bitorder="little")
        in_track = np.packbits(bits.reshape(edges, -1), axis=1, bitorder="little")
    association = table.widths["association_threshold"]
    return {
        "rst": schedule.rst.astype(np.uint8)[:, None],
        "in_valid": pack((valid | noise).astype(np.int64), 1),
        "in_track": in_track,
        "in_last": last.astype(np.uint8)[:, None],
        "association_threshold": np.repeat(pack(np.array([[threshold]], np.int64), association), edges, axis=0),
    }
