"""The verdict on a simulation of the finder: order, counts, latency, rate, resets. Words are compared elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.vertex.events import FinderEvents, FinderOutputs
from firmware.vertex.finder import VertexFinder
from firmware.vertex.rtl.capture import Capture, PortTable
from firmware.vertex.rtl.replays import Replays
from firmware.vertex.rtl.schedule import FinderSchedule

__all__ = ["FinderSimulation", "judge"]


@dataclass(frozen=True)
class FinderSimulation:
    """What a simulation gave.

    Parameters
    ----------
    outputs : FinderOutputs
        As they came out. ``weight`` does not leave the firmware and is 0; what did not come out is -1, ``truncated``
        and ``kept`` False.
    latency_cycles, association_latency : int or None
        Measured; None: not the same for all events.
    ii : int or None
        Fewest clocks between two vertices; None: fewer than two events.
    clocks : int
        Clocks simulated.
    error : bool
        Whether ``error`` rose.
    problems : tuple of str
        Everything that came at a wrong time, too often, or not at all; differences between runs of the same event.
    """

    outputs: FinderOutputs
    latency_cycles: int | None
    association_latency: int | None
    ii: int | None
    clocks: int
    error: bool
    problems: tuple[str, ...]


def judge(
    finder: VertexFinder, events: FinderEvents, table: PortTable, schedule: FinderSchedule, capture: Capture,
    threshold: int,
) -> FinderSimulation:  # fmt: skip
    """The verdict on the capture of a schedule; words are given back, and compared elsewhere."""
    problems = list(capture.problems)
    ends = np.flatnonzero(schedule.event[: schedule.once] >= 0)
    vertices = np.flatnonzero(capture.vertex_edges < schedule.once)
    if len(vertices) != len(ends):
        problems.append(f"{len(vertices)} vertices came out of {len(ends)} events")
    count = min(len(vertices), len(ends))
    shown = capture.vertex_edges[:count]
    latency = _only(shown - ends[:count])
    lasts = capture.last_edges[capture.last_edges < schedule.once]
    if len(lasts) != len(ends):
        problems.append(f"track_last came {len(lasts)} times for {len(ends)} events")
    replay_ends = min(count, len(lasts))
    association_latency = _only(lasts[:replay_ends] - shown[:replay_ends] - (table.tracks_per_lane - 1))
    problems += _differs("latency_cycles", latency, table.latency_cycles, len(ends))
    problems += _differs("association_latency", association_latency, table.association_latency, len(ends))
    vertex = {port: _filled(words[:count], len(events)) for port, words in capture.vertex.items()}
    tracks = Replays(finder, events, table, capture)
    rows = np.arange(int(np.searchsorted(capture.track_edges, schedule.once)))
    kept, association, unmatched = tracks.put(rows, shown, np.arange(count))
    problems += unmatched
    wrong = capture.track["track_associated"] != (capture.track["track_association"] >= threshold)
    if np.any(wrong & (capture.track["track_valid"] == 1)):
        problems.append("track_associated must say whether the word reaches the threshold, and does not")
    problems += _around_resets(schedule, capture, table, vertex, tracks, kept, association)
    if len(capture.error_edges):
        problems.append(f"error rose, first seen at clock edge {capture.error_edges[0]}")
    outputs = FinderOutputs(
        bin=vertex["vertex_bin"], z0=vertex["vertex_z0"], peak=vertex["vertex_peak"],
        truncated=vertex["vertex_truncated"] == 1, kept=kept, weight=np.zeros(len(kept), np.int64),
        association=association,
    )  # fmt: skip
    distances = np.diff(shown)
    return FinderSimulation(
        outputs, latency, association_latency, int(distances.min()) if len(distances) else None,
        len(schedule.rst), bool(len(capture.error_edges)), tuple(problems),
    )  # fmt: skip


def _around_resets(
    schedule: FinderSchedule, capture: Capture, table: PortTable, vertex: dict[str, NDArray[np.int64]],
    tracks: Replays, kept: NDArray[np.bool_], association: NDArray[np.int64],
) -> list[str]:  # fmt: skip
    """Behind the first part: what must come out does, with the words of the first part; nothing else does."""
    ends = np.flatnonzero(schedule.event >= 0)
    ends = ends[ends >= schedule.once]
    problems = []
    # The registers of an output are cleared by a reset up to the edge before the one that samples it.
    resets = np.append(np.flatnonzero(schedule.rst), len(schedule.rst))
    cut = resets[np.searchsorted(resets, schedule.begin[ends])]
    shown = ends + table.latency_cycles
    whole = shown + table.association_latency + table.tracks_per_lane - 1
    for what, edges, seen in (
        ("vertices", shown, capture.vertex_edges), ("ends of replays", whole, capture.last_edges),
    ):  # fmt: skip
        due, later = edges[edges <= cut], seen[seen >= schedule.once]
        stale, missing = np.setdiff1d(later, due), np.setdiff1d(due, later)
        if len(stale):
            problems.append(f"{len(stale)} {what} around resets should not have come, first at clock edge {stale[0]}")
        if len(missing):
            problems.append(f"{len(missing)} {what} around resets did not come, first due at clock edge {missing[0]}")
    _, at_seen, at_due = np.intersect1d(capture.vertex_edges, shown[shown <= cut], return_indices=True)
    numbers = schedule.event[ends].astype(np.int64)
    for port, words in capture.vertex.items():
        if np.any(words[at_seen] != vertex[port][numbers[shown <= cut][at_due]]):
            problems.append(f"{port} of an event around resets differs from that of the same event before")
    explained = capture.track_edges < schedule.once
    for edge, number, until in zip(shown, numbers, cut, strict=True):
        first = edge + table.association_latency
        mine = (capture.track_edges >= first) & (capture.track_edges < min(first + table.tracks_per_lane, until + 1))
        explained = explained | mine
        again, words, unmatched = tracks.put(np.flatnonzero(mine), np.array([edge]), np.array([number]))
        expected = kept & tracks.before(int(number), int(until + 1 - first))
        if unmatched or np.any(again != expected) or np.any(words[expected] != association[expected]):
            problems.append(f"tracks of an event around resets, from clock edge {first} on, differ from those before")
            break
    if not explained.all():
        problems.append(f"{np.sum(~explained)} clocks around resets gave tracks that no event explains")
    return problems


def _filled(words: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return np.concatenate([words, np.full(count - len(words), -1, np.int64)])


def _only(values: NDArray[np.int64]) -> int | None:
    return int(values[0]) if len(values) and (values == values[0]).all() else None


def _differs(name: str, measured: int | None, stated: int, events: int) -> list[str]:
    if not events or measured == stated:
        return []
    return [f"{name} must be {stated} in every event, not {'several values' if measured is None else measured}"]
