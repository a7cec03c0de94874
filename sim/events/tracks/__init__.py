"""Tracks of the level-1 track finder at PU200, for the search of the primary vertex.

`load_vertex_dataset` gives the events of a study; `FIELDS` says what the bits of a track word mean.
"""

from sim.events.tracks.dataset import VertexDatasetSettings, load_vertex_dataset
from sim.events.tracks.events import TrackEvents, concatenate_events
from sim.events.tracks.generate import generate_pool
from sim.events.tracks.overlay import Overlay, overlay_events
from sim.events.tracks.pool import SPLITS, SplitPool, build_split_pool
from sim.events.tracks.processes import PROCESSES
from sim.events.tracks.settings import PoolSettings, TrackSettings
from sim.events.tracks.sources import load_pool_files
from sim.events.tracks.user_tracks import read_track_events
from sim.events.tracks.word import (
    FIELDS,
    N_LINKS,
    Field,
    digitise,
    pack,
    pt_from_rinv,
    pt_of_words,
    rinv_from_pt,
    sector_of,
    undigitise,
    unpack,
    unpack_field,
)

__all__ = [
    "FIELDS",
    "N_LINKS",
    "PROCESSES",
    "SPLITS",
    "Field",
    "Overlay",
    "PoolSettings",
    "SplitPool",
    "TrackEvents",
    "TrackSettings",
    "VertexDatasetSettings",
    "build_split_pool",
    "concatenate_events",
    "digitise",
    "generate_pool",
    "load_pool_files",
    "load_vertex_dataset",
    "overlay_events",
    "pack",
    "pt_from_rinv",
    "pt_of_words",
    "read_track_events",
    "rinv_from_pt",
    "sector_of",
    "undigitise",
    "unpack",
    "unpack_field",
]
