"""Events as the finder sees them: the lanes of their tracks, who enters, and the input words of the networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.vertex import Feature, FinderEvents
from sim.events.tracks.events import TrackEvents
from sim.events.tracks.processes import PROCESSES
from sim.events.tracks.word import FIELDS, N_LINKS, unpack_field

__all__ = [
    "PROCESS_NAMES",
    "Blocks",
    "feature_words",
    "finder_events",
    "kept_tracks",
    "lanes_of",
    "make_blocks",
    "process_masks",
]

PROCESS_NAMES = PROCESSES
"""Hard processes, each reported on its own."""

_FIELD_NAMES = {"mva": "mva_quality"}


def lanes_of(link: NDArray[np.integer], lanes: int) -> NDArray[np.int64]:
    """Lane of each track: ``link * lanes // 18``, so neighbouring links share a lane where there are fewer lanes."""
    return link.astype(np.int64) * lanes // N_LINKS


def finder_events(events: TrackEvents, lanes: int) -> FinderEvents:
    """The events as they enter a finder of that many lanes."""
    return FinderEvents(events.start.astype(np.int64), lanes_of(events.link, lanes), events.words)


def kept_tracks(events: TrackEvents, lanes: int, tracks_per_lane: int) -> NDArray[np.bool_]:
    """Tracks that enter: valid ones, the first ``tracks_per_lane`` of every lane of an event.

    Parameters
    ----------
    events : TrackEvents
    lanes, tracks_per_lane : int

    Returns
    -------
    bool array of shape (tracks,)
    """
    kept = unpack_field(events.words, "valid") == 1
    group = events.event_of_track() * lanes + lanes_of(events.link, lanes)
    entering = np.flatnonzero(kept)
    order = entering[np.argsort(group[entering], kind="stable")]
    sorted_group = group[order]
    place = np.arange(len(order)) - np.searchsorted(sorted_group, sorted_group, side="left")
    kept[order[place >= tracks_per_lane]] = False
    return kept


def feature_words(words: NDArray[np.uint32], feature: Feature) -> NDArray[np.int64]:
    """Input words of a feature, by its table, from track words of shape (tracks, 3)."""
    name = _FIELD_NAMES.get(feature.field, feature.field)
    value = unpack_field(words, name).astype(np.int64)
    if FIELDS[name].signed:
        value = np.where(value < 0, ~value, value)
    address = value >> feature.shift
    return address if feature.table is None else feature.table[address]


def process_masks(events: TrackEvents) -> dict[str, NDArray[np.bool_]]:
    """Events of each hard process that occurs, bool arrays of shape (events,)."""
    masks: Mapping[str, NDArray[np.bool_]] = {name: events.process == at for at, name in enumerate(PROCESSES)}
    return {name: mask for name, mask in masks.items() if mask.any()}


@dataclass(frozen=True, eq=False)
class Blocks:
    """Training events in blocks of equal length, padded with tracks that count nowhere.

    Parameters
    ----------
    inputs : dict of str to int64 array of shape (cells,)
        The different combinations of the features' words that occur.
    cell : int32 array of shape (blocks, tracks)
        Combination of each track.
    z0 : int32 array of shape (blocks, tracks)
        Word of z0.
    event : int32 array of shape (blocks, tracks)
        Event within the block; of padding: the number of events of a block.
    is_primary : bool array of shape (blocks, tracks)
    count : int32 array of shape (blocks,)
        Tracks of each block; they come first.
    z0_true : float32 array of shape (blocks, events)
        In cm.
    process : uint8 array of shape (blocks, events)
    """

    inputs: dict[str, NDArray[np.int64]]
    cell: NDArray[np.int32]
    z0: NDArray[np.int32]
    event: NDArray[np.int32]
    is_primary: NDArray[np.bool_]
    count: NDArray[np.int32]
    z0_true: NDArray[np.float32]
    process: NDArray[np.uint8]


def make_blocks(
    events: TrackEvents, features: tuple[Feature, ...], *, lanes: int, tracks_per_lane: int, size: int, seed: int
) -> Blocks:
    """Blocks of training events in random order; an incomplete last block is left out.

    Parameters
    ----------
    events : TrackEvents
    features : tuple of Feature
    lanes, tracks_per_lane : int
        Decide which tracks enter, as in the firmware.
    size : int
        Events of a block; at most ``len(events)``.
    seed : int

    Returns
    -------
    Blocks
    """
    blocks = len(events) // size
    order = np.random.default_rng(seed).permutation(len(events))[: blocks * size]
    chosen = events.take(order)
    kept = kept_tracks(chosen, lanes, tracks_per_lane)
    event = chosen.event_of_track()[kept]
    words = chosen.words[kept]
    columns = [feature_words(words, feature) for feature in features]
    key = np.zeros(len(event), np.int64)
    for feature, column in zip(features, columns, strict=True):
        key = (key << feature.format.width) | column
    distinct, first, cell = np.unique(key, return_index=True, return_inverse=True)
    del distinct
    bounds = np.searchsorted(event, np.arange(0, blocks * size + 1, size))
    count = np.diff(bounds)

    def padded(values: NDArray, fill: int, dtype: type) -> NDArray:
        result: NDArray = np.full((blocks, max(int(count.max(initial=0)), 1)), fill, dtype)
        for block in range(blocks):
            result[block, : count[block]] = values[bounds[block] : bounds[block + 1]]
        return result

    return Blocks(
        inputs={feature.name: column[first] for feature, column in zip(features, columns, strict=True)},
        cell=padded(cell.reshape(-1), 0, np.int32),
        z0=padded(unpack_field(words, "z0"), 0, np.int32),
        event=padded(event % size, size, np.int32),
        is_primary=padded(chosen.is_primary[kept], 0, np.bool_),
        count=count.astype(np.int32),
        z0_true=chosen.z0_true.reshape(blocks, size),
        process=chosen.process.reshape(blocks, size),
    )
