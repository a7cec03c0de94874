"""Which track of the events each replayed word belongs to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware.vertex.events import FinderEvents, field_words
from firmware.vertex.finder import VALID, VertexFinder
from firmware.vertex.rtl.capture import Capture, PortTable

__all__ = ["Replays"]


class Replays:
    """Tracks in the order in which the lanes give them back: those that count, by event, lane, and order of entry."""

    def __init__(self, finder: VertexFinder, events: FinderEvents, table: PortTable, capture: Capture) -> None:
        self._table, self._capture = table, capture
        self._tracks = len(events.words)
        valid = np.flatnonzero(field_words(events.words, finder.fields[VALID]) == 1)
        group = events.event[valid] * finder.lanes + events.lane[valid]
        order = np.argsort(group, kind="stable")
        # Tracks that count, those of one event and lane together, and where each such group begins.
        self._candidates = valid[order]
        self._start = np.searchsorted(group[order], np.arange(len(events) * finder.lanes + 1))

    def put(
        self, rows: NDArray[np.int64], shown: NDArray[np.int64], numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], list[str]]:
        """Words of the captured rows, in the places of their tracks.

        Parameters
        ----------
        rows : int64 array
            Rows of the capture.
        shown : int64 array
            Edges of the vertices whose tracks these rows may be.
        numbers : int64 array
            Events of those vertices.
        """
        kept = np.zeros(self._tracks, np.bool_)
        association = np.zeros(self._tracks, np.int64)
        first = shown + self._table.association_latency
        row, lane = np.nonzero(self._capture.track["track_valid"][rows])
        replay = np.searchsorted(first, self._capture.track_edges[rows][row], side="right") - 1
        index = self._capture.track_edges[rows][row] - (first[replay] if len(first) else 0)
        group = (numbers[replay] if len(numbers) else 0) * self._table.lanes + lane
        place = self._start[np.clip(group, 0, len(self._start) - 2)] + index
        fits = (replay >= 0) & (index < self._table.tracks_per_lane)
        fits[fits] &= place[fits] < self._start[group[fits] + 1]
        track = self._candidates[place[fits]]
        kept[track] = True
        association[track] = self._capture.track["track_association"][rows][row, lane][fits]
        problems = [f"{np.sum(~fits)} tracks came out that belong to no event"] if not fits.all() else []
        return kept, association, problems

    def before(self, event: int, count: int) -> NDArray[np.bool_]:
        """Tracks of an event that are among the first ``count`` of their lane."""
        chosen = np.zeros(self._tracks, np.bool_)
        for group in range(event * self._table.lanes, (event + 1) * self._table.lanes):
            first, last = self._start[group], self._start[group + 1]
            chosen[self._candidates[first : max(first, min(last, first + count))]] = True
        return chosen
