"""What our own blocks compute, clock by clock or event by event, in plain integers: a model beside each.

Written for reading and for the benches; the emulator is another, fast implementation of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["EventControl", "TrackBuffer", "TrackCounter", "best_bin", "distance", "histogram", "merged", "windows"]


@dataclass
class TrackCounter:
    """``track_counter``: accept, drop, index and total of a clock."""

    tracks: int
    count: int = 0

    def clock(self, rst: bool, valid: bool, last: bool) -> tuple[int, int, int, int]:
        """Outputs of a clock with these inputs; the state moves on."""
        accept, drop = valid and self.count < self.tracks, valid and self.count == self.tracks
        index, total = self.count, self.count + accept
        self.count = 0 if rst or last else total
        return int(accept), int(drop), index, total


def histogram(tracks: Iterable[tuple[int, int]], bins: int, highest: int) -> list[int]:
    """``histogram_lane``: bins of one event from its (bin, weight) pairs; every addition saturates."""
    sums = [0] * bins
    for bin, weight in tracks:
        sums[bin] = min(sums[bin] + weight, highest)
    return sums


def merged(rows: Sequence[Sequence[int]], highest: int) -> list[int]:
    """``histogram_merge``: sum of the lanes' rows, bin by bin, saturated."""
    return [min(sum(column), highest) for column in zip(*rows, strict=True)]


def windows(bins: Sequence[int], words: int, side: int) -> list[list[int]]:
    """``row_window``: each row of ``words`` bins with ``side`` bins more on both sides; zeros beyond the ends."""
    padded = [0] * side + list(bins) + [0] * side
    return [padded[first : first + words + 2 * side] for first in range(0, len(bins), words)]


def best_bin(values: Sequence[int]) -> tuple[int, int]:
    """``argmax``: bin and value of the largest; of equal ones that nearest the middle; of two as near the lower."""
    middle = (len(values) - 1) / 2
    best = max(range(len(values)), key=lambda bin: (values[bin], -abs(bin - middle), -bin))
    return best, values[best]


def distance(z0: int, vertex: int, shift: int, highest: int) -> int:
    """``distance``: of a track from the vertex, in units of ``2**shift``, saturated."""
    return min(abs(z0 - vertex) >> shift, highest)


@dataclass
class TrackBuffer:
    """``track_buffer``: what each slot's event left there."""

    words: dict[tuple[int, int], int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def write(self, slot: int, index: int, word: int) -> None:
        """A track is stored."""
        self.words[slot, index] = word

    def close(self, slot: int, count: int) -> None:
        """An event ends with that many tracks."""
        self.counts[slot] = count

    def read(self, slot: int, index: int) -> int | None:
        """A track of the slot's event; None: it has not so many."""
        return self.words[slot, index] if index < self.counts[slot] else None


@dataclass
class EventControl:
    """``event_control``: ends of events and vertices in, slots, replays and errors out; edges are clock edges.

    Each list holds (edge at which it is sampled, values).
    """

    slots: int
    tracks: int
    ii: int
    histogram_delay: int
    replay_delay: int
    histogram_last: list[int] = field(default_factory=list)
    replays: list[tuple[int, int, int]] = field(default_factory=list)
    track_last: list[int] = field(default_factory=list)
    error_from: int | None = None
    _ended: int = 0
    _found: int = 0
    _last: int | None = None

    @property
    def write_slot(self) -> int:
        """Slot of the event that is entering."""
        return self._ended % self.slots

    def end(self, edge: int) -> None:
        """``in_last`` is sampled at this edge."""
        if self.error_from is None and self._last is not None and edge - self._last < self.ii:
            self.error_from = edge + 2
        self._last = edge
        self._ended += 1
        self.histogram_last.append(edge + 1 + self.histogram_delay)

    def found(self, edge: int) -> None:
        """``found`` is sampled at this edge: (edge, slot, index) of the replay follow."""
        slot = self._found % self.slots
        self._found += 1
        self.replays += [(edge + 1 + index, slot, index) for index in range(self.tracks)]
        self.track_last.append(edge + self.tracks + self.replay_delay)
