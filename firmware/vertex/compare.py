"""Finder outputs against finder outputs, event by event."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from firmware.verify.compare import Comparison, Mismatch
from firmware.vertex.events import FinderEvents, FinderOutputs
from firmware.vertex.finder import VertexFinder
from firmware.vertex.stimulus import FinderStimulus

__all__ = ["ALL", "compare_outputs", "count_words", "located", "outputs_of"]

ALL = ("kept", "truncated", "weight", "bin", "z0", "peak", "association")
"""Fields of `FinderOutputs`, in the order of the data."""

_PER_TRACK = ("kept", "weight", "association")


def compare_outputs(
    finder: VertexFinder, events: FinderEvents, expected: FinderOutputs, received: FinderOutputs,
    names: Sequence[str] = ALL,
) -> Comparison:  # fmt: skip
    """Which events differ, and the first word that does.

    Parameters
    ----------
    finder : VertexFinder
    events : FinderEvents
        The events of both.
    expected, received : FinderOutputs
    names : sequence of str
        Fields to compare.

    Returns
    -------
    Comparison
        The index of its first mismatch is empty for a vertex, and (lane, place in the lane) for a track. Arrays of
        other lengths are a problem, and every event then counts as different.
    """
    problems = tuple(
        f"{name} must be given {len(getattr(expected, name))} times, not {len(getattr(received, name))}"
        for name in names
        if getattr(expected, name).shape != getattr(received, name).shape
    )
    if problems:
        return Comparison(np.ones(len(events), np.bool_), None, problems)
    differs = np.zeros(len(events), np.bool_)
    first: tuple[int, int, Mismatch] | None = None
    owner = events.event
    for order, name in enumerate(names):
        one, other = getattr(expected, name), getattr(received, name)
        wrong = np.flatnonzero(one != other)
        if not len(wrong):
            continue
        per_track = name in _PER_TRACK
        differs[owner[wrong] if per_track else wrong] = True
        place = int(wrong[0])
        event = int(owner[place]) if per_track else place
        if first is None or (event, order) < first[:2]:
            index = _place_in_lane(events, event, place) if per_track else ()
            fraction = _fraction(finder, name)
            first = event, order, Mismatch(event, name, index, int(one[place]), int(other[place]), fraction)
    return Comparison(differs, None if first is None else first[2])


def count_words(events: FinderEvents, names: Sequence[str] = ALL) -> int:
    """Words that a comparison of these fields looks at."""
    return sum(len(events.words) if name in _PER_TRACK else len(events) for name in names)


def outputs_of(events: FinderEvents, outputs: FinderOutputs, event: int) -> FinderOutputs:
    """The outputs of one event."""
    tracks = slice(int(events.start[event]), int(events.start[event + 1]))
    return FinderOutputs(**{
        name: getattr(outputs, name)[tracks if name in _PER_TRACK else slice(event, event + 1)] for name in ALL
    })  # fmt: skip


def located(
    mismatch: Mismatch, stimulus: FinderStimulus, event: int, locate: Callable[[FinderEvents], str | None]
) -> Mismatch:
    """The same, with the event's index, kind and track words in the stimulus that it comes from, and the block."""
    one = stimulus.events.take(event, event + 1)
    words = ["".join(f"{part:08x}" for part in word[::-1]) for word in one.words]
    return Mismatch(
        event, mismatch.output, mismatch.index, mismatch.expected, mismatch.received, mismatch.fraction,
        {"lane": one.lane.tolist(), "track_word": words}, stimulus.kind_of(event), locate(one),
    )  # fmt: skip


def _place_in_lane(events: FinderEvents, event: int, track: int) -> tuple[int, ...]:
    lane = int(events.lane[track])
    return lane, int((events.lane[int(events.start[event]) : track] == lane).sum())


def _fraction(finder: VertexFinder, name: str) -> int:
    formats = {
        "weight": finder.weight_format, "peak": finder.pattern_format, "association": finder.association_format,
    }  # fmt: skip
    return formats[name].fraction if name in formats else 0
