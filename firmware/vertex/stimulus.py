"""The events of a finder's verification: the study's own, patterns that reach every rule's corner, random words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.vertex.events import FinderEvents, check_events
from firmware.vertex.finder import VALID, Z0, VertexFinder

__all__ = ["FinderStimulus", "finder_stimulus", "join_events", "make_words", "patterns"]

_RANDOM_TRACKS = 190
"""Of a random event in the mean, or half of what the lanes hold if that is less."""

_ALIKE = (0, -1, 0x5555)
"""Words that tracks have in all fields when they must weigh the same: one of them may weigh nothing."""

_CLUMPED = 0.15
"""Fraction of the tracks of a random event that lie near one z0."""


@dataclass(frozen=True, eq=False)
class FinderStimulus:
    """Events and where they come from.

    Parameters
    ----------
    events : FinderEvents
    kinds : mapping of str to int
        Number of events of each kind, in the order in which they lie in ``events``.
    """

    events: FinderEvents
    kinds: Mapping[str, int]

    def kind_of(self, event: int) -> str:
        """The kind of the event of that index."""
        for kind, count in self.kinds.items():
            if event < count:
                return kind
            event -= count
        raise IndexError(event)


def finder_stimulus(
    finder: VertexFinder, *, n_events: int, seed: int = 0, study: FinderEvents | None = None,
    events: FinderEvents | None = None,
) -> FinderStimulus:
    """The events that a verification uses.

    Parameters
    ----------
    finder : VertexFinder
    n_events : int
        Events in all, at least 1. Patterns take at most half of them (evenly thinned out if they are more), the
        study's events half of what is left, random ones the rest.
    seed : int
        Of the random words.
    study : FinderEvents, optional
        Events stored in the project; the first ones are used.
    events : FinderEvents, optional
        The caller's own; all of them are used, also if they are more than ``n_events``.

    Returns
    -------
    FinderStimulus
        Given, patterns, study, random, in that order.

    Raises
    ------
    UserError
        ``n_events`` is below 1, or ``events`` cannot enter the finder.
    """
    if n_events < 1:
        raise UserError(f"number of events must be at least 1, not {n_events}")
    parts: dict[str, FinderEvents] = {}
    left = n_events
    if events is not None:
        check_events(finder, events)
        parts["given"] = events
        left = max(0, n_events - len(events))
    if left:
        corners = patterns(finder)
        count = min(len(corners), max(1, left // 2))
        parts["patterns"] = pick(corners, np.linspace(0, len(corners) - 1, count).round().astype(np.int64))
        left -= count
    if study is not None and events is None:
        check_events(finder, study)
        parts["study"] = study.take(0, left // 2)
        left -= len(parts["study"])
    parts["random"] = random_events(finder, left, seed)
    parts = {kind: part for kind, part in parts.items() if len(part)}
    return FinderStimulus(join_events(list(parts.values())), {kind: len(part) for kind, part in parts.items()})


def join_events(parts: Sequence[FinderEvents]) -> FinderEvents:
    """Events one after the other; at least one part."""
    counts = np.concatenate([np.diff(part.start) for part in parts])
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return FinderEvents(
        start, np.concatenate([part.lane for part in parts]), np.concatenate([part.words for part in parts])
    )


def pick(events: FinderEvents, rows: NDArray[np.int64]) -> FinderEvents:
    """Some of the events, at least one."""
    return join_events([events.take(int(row), int(row) + 1) for row in rows])


def make_words(finder: VertexFinder, values: Mapping[str, NDArray[np.int64]], count: int) -> NDArray[np.uint32]:
    """Track words from fields; what is not given is 0, but ``valid``, which is then 1.

    Parameters
    ----------
    finder : VertexFinder
    values : mapping of field name to int64 array of shape (tracks,)
        Bits above the field's width are dropped.
    count : int
        Tracks.

    Returns
    -------
    uint32 array of shape (tracks, words of 32 bits)
    """
    words = np.zeros((count, -(-finder.word_bits // 32)), np.uint32)
    for name, value in {VALID: np.ones(count, np.int64), **values}.items():
        field = finder.fields[name]
        for bit in range(field.width):
            column, place = divmod(field.offset + bit, 32)
            words[:, column] |= (((value >> bit) & 1) << place).astype(np.uint32)
    return words


def random_events(finder: VertexFinder, count: int, seed: int, *, mean_tracks: int | None = None) -> FinderEvents:
    """Random words in every bit, in turn: spread or crowded lanes, one bin preferred, few tracks, or none."""
    random = np.random.default_rng(seed)
    if mean_tracks is None:
        mean_tracks = min(_RANDOM_TRACKS, -(-finder.lanes * finder.tracks_per_lane // 2))
    kind = random.integers(0, 8, count)
    mean = np.select([kind == 0, kind == 1, kind == 2], [0, 2, 2 * mean_tracks], mean_tracks)
    tracks = random.poisson(mean)
    start = np.concatenate([[0], np.cumsum(tracks)]).astype(np.int64)
    event = np.repeat(np.arange(count), tracks)
    words = random.integers(0, 2**32, (len(event), -(-finder.word_bits // 32)), dtype=np.uint32)
    low, high = _range(finder, Z0)
    centre = random.integers(low, high, count, endpoint=True)
    near = np.clip(centre[event] + random.integers(-12, 13, len(event)), low, high)
    anywhere = random.integers(low, high, len(event), endpoint=True)
    z0 = np.where(random.random(len(event)) < _CLUMPED, near, anywhere)
    valid = (random.random(len(event)) < 0.95).astype(np.int64)
    _overwrite(finder, words, {Z0: z0, VALID: valid})
    lane = random.integers(0, finder.lanes, len(event))
    lane = np.where((kind == 3)[event], lane % max(1, finder.lanes // 6), lane)
    return FinderEvents(start, lane.astype(np.int64), words)


def patterns(finder: VertexFinder) -> FinderEvents:
    """Patterns, each an event or several, with an empty event between any two families.

    Empty; one track at every edge of z0 and of every other field; words that are not valid; every lane full to the
    last track, and one beyond; all tracks in one bin, so that it saturates; equal peaks, mirrored about the middle
    and on one side of it; single tracks in the outermost bins and beside the middle; every bit alone.
    """
    family: list[Callable[[VertexFinder], list[FinderEvents]]] = [
        _extremes, _invalid, _full_lanes, _one_bin, _equal_peaks, _edge_bins, _one_hot,
    ]  # fmt: skip
    made: list[FinderEvents] = []
    for make in family:
        made += [_event(finder, {}, 0), *make(finder)]
    return join_events([*made, _event(finder, {}, 0)])


def _event(
    finder: VertexFinder, values: Mapping[str, NDArray[np.int64]], count: int, lane: NDArray[np.int64] | None = None
) -> FinderEvents:
    lane = np.arange(count, dtype=np.int64) % finder.lanes if lane is None else lane
    return FinderEvents(np.array([0, count], np.int64), lane, make_words(finder, values, count))


def _extremes(finder: VertexFinder) -> list[FinderEvents]:
    """One track, each field at its ends and about its middle, the others at 0 or at an end."""
    made = []
    for name in finder.fields:
        if name == VALID:
            continue
        low, high = _range(finder, name)
        for value in (low, low + 1, -1, 0, 1, high - 1, high):
            made.append(_event(finder, {name: np.array([value])}, 1))
    ends = {name: _range(finder, name) for name in finder.fields if name != VALID}
    for end in (0, 1):
        made.append(_event(finder, {name: np.array([both[end]]) for name, both in ends.items()}, 1))
    both_ends = {name: np.array([pair[0], pair[1]] * finder.lanes) for name, pair in ends.items()}
    made.append(_event(finder, both_ends, 2 * finder.lanes))
    return made


def _invalid(finder: VertexFinder) -> list[FinderEvents]:
    """Words that do not count: alone, among others, and in a lane that they must not fill."""
    count = finder.tracks_per_lane + 3
    none = np.zeros(count, np.int64)
    z0 = np.full(count, _range(finder, Z0)[1] // 2)
    lane = np.zeros(count, np.int64)
    last = none.copy()
    last[-1] = 1
    alternating = np.arange(count) % 2
    return [_event(finder, {VALID: valid, Z0: z0}, count, lane) for valid in (none, last, alternating)]


def _full_lanes(finder: VertexFinder) -> list[FinderEvents]:
    """As many tracks as fit, and beyond, on one lane and on all; the tracks beyond would be the vertex."""
    made = []
    low, high = _range(finder, Z0)
    size = finder.tracks_per_lane
    for lanes in ([0], [finder.lanes - 1], list(range(finder.lanes))):
        for extra in (0, 1, size + 2):
            lane = np.tile(np.array(lanes, np.int64), size + extra)
            depth = np.repeat(np.arange(size + extra), len(lanes))
            z0 = np.where(depth < size, low + (7 * depth * len(lanes) + lane) % (high - low), high // 3)
            made.append(_event(finder, {Z0: z0}, len(lane), lane))
    return made


def _one_bin(finder: VertexFinder) -> list[FinderEvents]:
    """Every track of a full event in one bin: the lowest, the highest, one in the middle, one at a row's edge."""
    count = finder.lanes * finder.tracks_per_lane
    made = []
    for bin in (0, finder.bins - 1, finder.bins // 2, finder.bins_per_clock - 1, finder.bins_per_clock):
        for word in _ALIKE:
            z0 = _z0_of(finder, np.full(count, bin))
            made.append(_event(finder, _alike(finder, word, count) | {Z0: z0}, count))
    return made


def _equal_peaks(finder: VertexFinder) -> list[FinderEvents]:
    """Two or more equal peaks: mirrored, on one side, side by side, in one row and in different ones."""
    half, row = finder.bins // 2, finder.bins_per_clock
    pairs = [
        (0, finder.bins - 1), (half - 1, half), (half - row, half + row - 1), (half - 2, half + 2), (1, row + 1),
        (0, 1), (2, row - 1), (finder.bins - row, finder.bins - 1), (half, half + row), (half - row - 1, half - 1),
        (0, finder.bins - 2), (1, finder.bins - 1),
    ]  # fmt: skip
    made = []
    for pair in pairs:
        for word in _ALIKE:
            bins = np.array(pair)[:: 1 if word else -1]
            made.append(_event(finder, _alike(finder, word, 2) | {Z0: _z0_of(finder, bins)}, 2))
    room = finder.lanes * finder.tracks_per_lane
    comb, every = np.arange(0, finder.bins, max(2, finder.kernel_size))[:room], np.arange(finder.bins)[:room]
    for word in _ALIKE:
        for bins in (comb, every):
            values = _alike(finder, word, len(bins)) | {Z0: _z0_of(finder, bins)}
            made.append(_event(finder, values, len(bins)))
    return made


def _edge_bins(finder: VertexFinder) -> list[FinderEvents]:
    """One track in a bin at an edge, of all bins or of a row, at the bin's first and last z0."""
    half, row, last = finder.bins // 2, finder.bins_per_clock, finder.bins - 1
    made = []
    for bin in sorted({0, 1, row - 1, row, half - 1, half, last - row, last - row + 1, last - 1, last}):
        first = _z0_of(finder, np.array([bin]))
        for z0 in (first, first + (1 << finder.bin_shift) - 1):
            made.append(_event(finder, {Z0: z0}, 1))
    return made


def _one_hot(finder: VertexFinder) -> list[FinderEvents]:
    """Every bit of every field alone, on the lanes in turn."""
    made = []
    for name, field in finder.fields.items():
        if name == VALID:
            continue
        for bit in range(field.width):
            lane = np.array([bit % finder.lanes], np.int64)
            made.append(_event(finder, {name: np.array([1 << bit])}, 1, lane))
    return made


def _z0_of(finder: VertexFinder, bins: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lowest z0 of bins."""
    return (bins << finder.bin_shift) - (1 << (finder.z0.width - 1))


def _alike(finder: VertexFinder, word: int, count: int) -> dict[str, NDArray[np.int64]]:
    """The same word in every field but ``valid`` and z0, so that all tracks weigh the same."""
    return {name: np.full(count, word) for name in finder.fields if name not in (VALID, Z0)}


def _range(finder: VertexFinder, name: str) -> tuple[int, int]:
    field = finder.fields[name]
    if field.signed:
        return -(1 << (field.width - 1)), (1 << (field.width - 1)) - 1
    return 0, (1 << field.width) - 1


def _overwrite(finder: VertexFinder, words: NDArray[np.uint32], values: Mapping[str, NDArray[np.int64]]) -> None:
    for name in values:
        field = finder.fields[name]
        for bit in range(field.offset, field.offset + field.width):
            words[:, bit // 32] &= np.uint32(0xFFFFFFFF ^ (1 << bit % 32))
    given = {VALID: np.zeros(len(words), np.int64), **values}
    words |= make_words(finder, given, len(words))
