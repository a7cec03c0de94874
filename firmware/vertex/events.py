"""What enters the vertex finder and what leaves it, for many events at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.vertex.finder import Field, VertexFinder

__all__ = ["FinderEvents", "FinderOutputs", "field_words"]


@dataclass(frozen=True, eq=False)
class FinderEvents:
    """Track words of events.

    Parameters
    ----------
    start : int64 array of shape (events + 1,)
        Tracks of event i are those from ``start[i]`` to ``start[i + 1]``.
    lane : int64 array of shape (tracks,)
        Lane of each track; the tracks of one lane enter in the order in which they stand.
    words : uint32 array of shape (tracks, words of 32 bits)
        Track words, lowest 32 bits first.

    Raises
    ------
    UserError
        The arrays do not fit together.
    """

    start: NDArray[np.int64]
    lane: NDArray[np.int64]
    words: NDArray[np.uint32]

    def __post_init__(self) -> None:
        start, tracks = self.start, len(self.words)
        if self.words.ndim != 2 or self.words.dtype != np.uint32:
            raise UserError(
                f"track words must be uint32 of shape (tracks, n), not {self.words.dtype} {self.words.shape}"
            )
        if start.ndim != 1 or not len(start) or start[0] != 0 or start[-1] != tracks or np.any(np.diff(start) < 0):
            raise UserError(f"start of events must rise from 0 to the number of tracks ({tracks}), and does not")
        if self.lane.shape != (tracks,):
            raise UserError(f"lane must be given for each of the {tracks} tracks, not with shape {self.lane.shape}")

    def __len__(self) -> int:
        """Number of events."""
        return len(self.start) - 1

    @property
    def event(self) -> NDArray[np.int64]:
        """Event of each track, int64 of shape (tracks,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    def take(self, first: int, last: int) -> FinderEvents:
        """The events from ``first`` to before ``last``."""
        first, last = range(len(self))[first:last].start, range(len(self))[first:last].stop
        last = max(first, last)
        tracks = slice(self.start[first], self.start[last])
        return FinderEvents(self.start[first : last + 1] - self.start[first], self.lane[tracks], self.words[tracks])


@dataclass(frozen=True, eq=False)
class FinderOutputs:
    """What the finder says of events.

    Parameters
    ----------
    bin, z0, peak : int64 arrays of shape (events,)
        Vertex: its bin, the centre of that in steps of z0, and the word of the convolution there.
    truncated : bool array of shape (events,)
        Whether a lane dropped tracks.
    kept : bool array of shape (tracks,)
        Tracks that entered; all else of the others is 0.
    weight, association : int64 arrays of shape (tracks,)
        Words of the two networks.
    """

    bin: NDArray[np.int64]
    z0: NDArray[np.int64]
    peak: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    weight: NDArray[np.int64]
    association: NDArray[np.int64]


def field_words(words: NDArray[np.uint32], field: Field) -> NDArray[np.int64]:
    """A field of track words.

    Parameters
    ----------
    words : uint32 array of shape (tracks, n)
        Lowest 32 bits first.
    field : Field

    Returns
    -------
    int64 array of shape (tracks,)
    """
    first, last = field.offset // 32, (field.offset + field.width - 1) // 32
    value = np.zeros(len(words), dtype=np.int64)
    for at in range(first, last + 1):
        value |= words[:, at].astype(np.int64) << (32 * (at - first))
    value = (value >> (field.offset - 32 * first)) & ((1 << field.width) - 1)
    if field.signed:
        value -= (value >> (field.width - 1)) << field.width
    return value


def check_events(finder: VertexFinder, events: FinderEvents) -> None:
    """Refuse events that cannot enter this finder.

    Raises
    ------
    UserError
        A lane that does not exist, or words of another size.
    """
    if events.words.shape[1] != -(-finder.word_bits // 32):
        raise UserError(
            f"track words must have {-(-finder.word_bits // 32)} words of 32 bits, not {events.words.shape[1]}"
        )
    if len(events.lane) and not 0 <= events.lane.min() <= events.lane.max() < finder.lanes:
        wrong = int(np.flatnonzero((events.lane < 0) | (events.lane >= finder.lanes))[0])
        raise UserError(f"lane of track {wrong} must be 0 to {finder.lanes - 1}, not {events.lane[wrong]}")
