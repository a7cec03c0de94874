"""When each track enters: packed and at the highest rate, with gaps, and around resets."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from firmware.vertex.events import FinderEvents
from firmware.vertex.finder import VertexFinder

__all__ = ["FinderSchedule", "make_schedule"]

_NO_TRACK = -1


@dataclass(frozen=True)
class FinderSchedule:
    """What enters at each clock edge.

    Parameters
    ----------
    track : int32 array of shape (edges, lanes)
        Track of the events on each lane; -1: none, and the word there is noise.
    event : int32 array of shape (edges,)
        Event that ends with this edge's ``in_last``; -1: no ``in_last``.
    begin : int32 array of shape (edges,)
        Where ``event`` is not -1: the first edge that belongs to that event.
    rst : bool array of shape (edges,)
    once : int
        Edges of the first part, in which every event enters once, in order, and comes out.
    """

    track: NDArray[np.int32]
    event: NDArray[np.int32]
    begin: NDArray[np.int32]
    rst: NDArray[np.bool_]
    once: int


def make_schedule(
    finder: VertexFinder, events: FinderEvents, *, ii: int, latency_cycles: int, gaps: float, resets: int, seed: int
) -> FinderSchedule:
    """A reset, then all events once, then, for every reset, a burst of events that it cuts.

    Parameters
    ----------
    finder : VertexFinder
    events : FinderEvents
    ii : int
        Fewest clocks between two ``in_last``: the distance of events that enter without gaps, unless a lane has more
        tracks than that.
    latency_cycles : int
        From ``in_last`` to the end of the replay, at most: how long the end of the run waits.
    gaps : float
        Fraction of the events whose tracks lie anywhere in a longer time, with ``in_last`` anywhere behind them.
    resets : int
    seed : int

    Returns
    -------
    FinderSchedule
        Noise is on ``in_valid`` and ``in_last`` too while ``rst`` is high.
    """
    line = _Line(finder.lanes, events, ii, np.random.default_rng(seed))
    line.reset(2)
    for event in range(len(events)):
        line.send(event, spread=line.rng.random() < gaps)
    line.idle(latency_cycles + 2)
    once = line.edges
    for number in range(resets if len(events) else 0):
        for event in line.rng.integers(0, len(events), line.rng.integers(1, 2 + 2 * latency_cycles // ii)):
            line.send(int(event), spread=line.rng.random() < gaps)
        # The reset meets an event's tracks, or a replay, or the last event on its way.
        if number % 2:
            line.idle(int(line.rng.integers(0, latency_cycles)))
        else:
            line.send(int(line.rng.integers(0, len(events))), spread=False, without_end=True)
        line.reset(1 + number % 3 // 2)
    if resets and len(events):
        for event in line.rng.integers(0, len(events), 3):
            line.send(int(event), spread=False)
        line.idle(latency_cycles + 2)
    return line.schedule(once)


@dataclass
class _Line:
    lanes: int
    events: FinderEvents
    ii: int
    rng: np.random.Generator
    tracks: list[NDArray[np.int32]] = field(default_factory=list)
    ends: list[NDArray[np.int32]] = field(default_factory=list)
    begins: list[NDArray[np.int32]] = field(default_factory=list)
    resets: list[NDArray[np.bool_]] = field(default_factory=list)
    edges: int = 0
    begin: int = 0
    """First edge of the event that comes next."""
    last: int = -(1 << 30)
    """Edge of the last ``in_last``."""

    def send(self, event: int, *, spread: bool, without_end: bool = False) -> None:
        """An event's tracks, lane by lane in order, and its end; in the same clock as the last track if it can be."""
        numbers = np.arange(self.events.start[event], self.events.start[event + 1])
        lanes = self.events.lane[numbers]
        most = int(np.bincount(lanes, minlength=self.lanes).max())
        wait = max(self.last + self.ii - self.edges + 1, 1)
        length = max(most, wait)
        if spread:
            length += int(self.rng.integers(0, 2 * self.ii))
        block = np.full((length, self.lanes), _NO_TRACK, np.int32)
        for lane in np.unique(lanes):
            own = numbers[lanes == lane]
            # Without gaps half of the events come early, half so that their last track comes with in_last.
            first = 0 if event % 2 else length - most
            at = np.sort(self.rng.choice(length, len(own), replace=False)) if spread else first + np.arange(len(own))
            block[at, lane] = own
        if without_end:
            self._add(block)
            return
        end = np.full(length, -1, np.int32)
        end[-1] = event
        self.last = self.edges + length - 1
        self._add(block, end)
        self.begin = self.edges

    def idle(self, edges: int) -> None:
        """Nothing enters."""
        self._add(np.full((edges, self.lanes), _NO_TRACK, np.int32))

    def reset(self, edges: int) -> None:
        self._add(np.full((edges, self.lanes), _NO_TRACK, np.int32), rst=True)
        self.begin, self.last = self.edges, -(1 << 30)

    def _add(self, track: NDArray[np.int32], end: NDArray[np.int32] | None = None, *, rst: bool = False) -> None:
        count = len(track)
        self.tracks.append(track)
        self.ends.append(np.full(count, -1, np.int32) if end is None else end)
        self.begins.append(np.full(count, self.begin, np.int32))
        self.resets.append(np.full(count, rst))
        self.edges += count

    def schedule(self, once: int) -> FinderSchedule:
        return FinderSchedule(
            np.concatenate(self.tracks), np.concatenate(self.ends), np.concatenate(self.begins),
            np.concatenate(self.resets), once,
        )  # fmt: skip
