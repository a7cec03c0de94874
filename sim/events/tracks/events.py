"""The events of a study: all tracks of all events in flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PER_TRACK = ("words", "link", "is_primary", "pt", "eta", "z0")


@dataclass(frozen=True)
class TrackEvents:
    """Tracks sorted by event and then by link; within a link of an event their order is random.

    Attributes
    ----------
    start : int64 array, shape (events + 1,)
        Event i has the tracks ``start[i]`` to ``start[i + 1] - 1``.
    words : uint32 array, shape (tracks, 3)
        Track words: bits 0 to 31, 32 to 63 and 64 to 95.
    link : uint8 array, shape (tracks,)
        ``2 * sector + (eta >= 0)``: 18 links, from sectors 0 to 8.
    is_primary : bool array, shape (tracks,)
        Whether the track is from the hard collision.
    process : uint8 array, shape (events,)
        Position in `PROCESSES`; 255 if unknown.
    z0_true : float32 array, shape (events,)
        Position of the hard collision along the beam, cm.
    pt, eta, z0 : float32 arrays, shape (tracks,)
        Reconstructed and not digitised: GeV; pseudorapidity; cm.
    """

    start: NDArray[np.int64]
    words: NDArray[np.uint32]
    link: NDArray[np.uint8]
    is_primary: NDArray[np.bool_]
    process: NDArray[np.uint8]
    z0_true: NDArray[np.float32]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    z0: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.process)

    @property
    def n_tracks(self) -> NDArray[np.int64]:
        """Tracks of each event, shape (events,)."""
        return np.diff(self.start)

    def event_of_track(self) -> NDArray[np.int64]:
        """The event that each track belongs to, shape (tracks,)."""
        return np.repeat(np.arange(len(self)), self.n_tracks)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> TrackEvents:
        """The events at `index` (positions or a mask), in its order, with their tracks."""
        chosen = np.asarray(index)
        events = np.flatnonzero(chosen) if chosen.dtype == bool else np.arange(len(self))[chosen]
        count = self.n_tracks[events]
        start = np.concatenate([[0], np.cumsum(count)])
        tracks = np.repeat(self.start[events] - start[:-1], count) + np.arange(start[-1])
        return TrackEvents(
            start=start,
            process=self.process[events],
            z0_true=self.z0_true[events],
            **{name: getattr(self, name)[tracks] for name in _PER_TRACK},
        )


class EventBuffer:
    """Room for events that come in parts: each track is copied once, into memory that is asked for once.

    Fresh memory costs about as much as making the tracks, so parts are not collected and joined.

    Parameters
    ----------
    n_events : int
        How many events will come in all; what the tracks need is judged by the first part.
    """

    def __init__(self, n_events: int) -> None:
        self._n_events = n_events
        self._counts: list[NDArray[np.int64]] = []
        self._parts: list[tuple[NDArray[np.uint8], NDArray[np.float32]]] = []
        self._tracks: dict[str, NDArray] = {}
        self._used = 0

    def append(self, part: TrackEvents) -> None:
        """Copy the events of a part behind those that are there."""
        self._counts.append(part.n_tracks)
        self._parts.append((part.process, part.z0_true))
        end = self._used + len(part.link)
        if not self._tracks or end > len(self._tracks["link"]):
            ready = sum(map(len, self._counts))
            missing = max(self._n_events - ready, 0)
            self._grow(part, end + int(1.05 * missing * end / max(ready, 1)))
        for name, array in self._tracks.items():
            array[self._used : end] = getattr(part, name)
        self._used = end

    def _grow(self, like: TrackEvents, room: int) -> None:
        before, self._tracks = self._tracks, {}
        for name in _PER_TRACK:
            column = getattr(like, name)
            self._tracks[name] = np.empty((room, *column.shape[1:]), dtype=column.dtype)
            if before:
                self._tracks[name][: self._used] = before[name][: self._used]

    def events(self) -> TrackEvents:
        """All events; the buffer must have some, and none may be appended later."""
        process, z0_true = zip(*self._parts, strict=True)
        return TrackEvents(
            start=np.concatenate([[0], np.cumsum(np.concatenate(self._counts))]),
            process=np.concatenate(process),
            z0_true=np.concatenate(z0_true),
            **{name: array[: self._used] for name, array in self._tracks.items()},
        )


def concatenate_events(parts: Sequence[TrackEvents]) -> TrackEvents:
    """The events of several parts, at least one, one after the other."""
    buffer = EventBuffer(sum(map(len, parts)))
    for part in parts:
        buffer.append(part)
    return buffer.events()
