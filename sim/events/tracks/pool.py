"""A pool in memory: the collisions of one split, ready for overlaying.

Train, validation and test draw from different collisions, pile-up and hard alike: of every ten events of a pool
the first five, the sixth and the last four. So an event stays in its split when the pool grows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.events.errors import UserError
from sim.events.tracks.pool_files import PoolTracks
from sim.events.tracks.processes import MAX_ABS_ETA, MIN_PT_GEV, MINBIAS, PROCESSES
from sim.events.tracks.settings import TrackSettings
from sim.events.tracks.word import FIELDS, digitise, rinv_from_pt

SPLITS = ("train", "validation", "test")
# which of every ten consecutive events of a pool a split draws from
SPLIT_TENTHS = {"train": range(0, 5), "validation": range(5, 6), "test": range(6, 10)}
_TURN = 2.0**32
N_FAKES = 1 << 16
# words of SplitPool.direction and SplitPool.rest, by position
DIRECTION = ("phase", "eta")
REST = ("pt", "dz", "rinv", "tanl")


@dataclass(frozen=True)
class SplitPool:
    """Collisions of one split and their tracks, with whatever does not depend on the event worked out.

    Attributes
    ----------
    start, count : int64 arrays, shape (collisions,)
        Where a collision's tracks begin, and how many it has: first the minimum-bias collisions that have a
        track, then all hard ones.
    n_minbias : int
        Minimum-bias collisions in the list.
    minbias_share : float
        Share of all minimum-bias collisions that have a track.
    hard_first, hard_count : dict of str to int
        Where the collisions of a hard process begin in the list, and how many there are.
    fake_first : int
        From this position on the tracks are fakes, 65,536 of them, of no collision.
    direction : uint64 array, shape (tracks,)
        Two 32-bit words at one place, so that one access fetches both (`DIRECTION`): ``phase``, the azimuth in
        turns / 2^32, to which a rotation is added and wraps; ``eta`` as float32.
    rest : complex128 array, shape (tracks,)
        Likewise four words (`REST`): ``pt`` in GeV and ``dz`` in cm as float32; ``rinv``, with the valid bit, and
        ``tanl`` at their places in the track word's bits 64 to 95 and 32 to 63.
    """

    start: NDArray[np.int64]
    count: NDArray[np.int64]
    n_minbias: int
    minbias_share: float
    hard_first: dict[str, int]
    hard_count: dict[str, int]
    fake_first: int
    direction: NDArray[np.uint64]
    rest: NDArray[np.complex128]


def split_of(event: NDArray[np.integer]) -> NDArray[np.int8]:
    """Position in `SPLITS` of the split that each event number belongs to."""
    table = np.empty(10, dtype=np.int8)
    for number, split in enumerate(SPLITS):
        table[list(SPLIT_TENTHS[split])] = number
    return table[np.asarray(event) % 10]


def _rinv_bits(pt_gev: NDArray, charge: NDArray) -> NDArray[np.uint32]:
    rinv = digitise("rinv", rinv_from_pt(pt_gev, charge)) & ((1 << FIELDS["rinv"].width) - 1)
    return (rinv.astype(np.uint32) << np.uint32(FIELDS["rinv"].offset - 64)) | np.uint32(1 << 31)


def _tanl_bits(eta: NDArray) -> NDArray[np.uint32]:
    tanl = digitise("tanl", np.sinh(eta.astype(np.float64))) & ((1 << FIELDS["tanl"].width) - 1)
    return tanl.astype(np.uint32) << np.uint32(FIELDS["tanl"].offset - 32)


def _fakes(settings: TrackSettings, split: str) -> dict[str, NDArray]:
    """pT, eta and charge of tracks that no particle made."""
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(0, spawn_key=(SPLITS.index(split),))))
    below = rng.random(N_FAKES)
    return {
        "pt_gev": (MIN_PT_GEV * (1 - below) ** (-1 / (settings.fake_pt_power - 1))).astype(np.float32),
        "eta": rng.uniform(-MAX_ABS_ETA, MAX_ABS_ETA, N_FAKES).astype(np.float32),
        "charge": rng.choice(np.array([-1, 1], dtype=np.int8), N_FAKES),
    }


def _process_part(files: Sequence[PoolTracks], split: str) -> tuple[dict[str, NDArray], NDArray[np.int64]]:
    """Tracks of the split's events of one process, and the number of tracks of each of these events."""
    columns = {name: np.concatenate([file.columns[name] for file in files]) for name in files[0].columns}
    events = np.concatenate([np.arange(file.first_event, file.first_event + file.n_events) for file in files])
    if np.any(np.diff(events) <= 0):
        raise UserError(f"pool files of {files[0].process} must hold different events, in rising order; they overlap")
    number = SPLITS.index(split)
    events = events[split_of(events) == number]
    if len(events) == 0:
        raise UserError(f"pool of {files[0].process} must hold events of the {split} split; make a larger one")
    chosen = split_of(columns["event"]) == number
    columns = {name: values[chosen] for name, values in columns.items()}
    edges = np.searchsorted(columns["event"], np.append(events, events[-1] + 1))
    return columns, np.diff(edges)


def build_split_pool(files: Mapping[str, Sequence[PoolTracks]], split: str, settings: TrackSettings) -> SplitPool:
    """The pool of one split.

    Parameters
    ----------
    files : mapping of str to sequence of PoolTracks
        Of every process.
    split : str
        "train", "validation" or "test".
    settings : TrackSettings

    Raises
    ------
    UserError
        A process without events in the split, or files that overlap.
    """
    parts, counts, hard_first, hard_count = [], [], {}, {}
    n_minbias, minbias_share, total = 0, 0.0, 0
    for process in (MINBIAS, *PROCESSES):
        columns, count = _process_part(files[process], split)
        kept = np.abs(columns["d0_cm"]) <= settings.max_d0_cm
        owner = np.repeat(np.arange(len(count)), count)[kept]
        count = np.bincount(owner, minlength=len(count))
        parts.append({name: values[kept] for name, values in columns.items()})
        if process == MINBIAS:
            minbias_share = float(np.mean(count > 0))
            count = count[count > 0]  # of the others only the number matters
            n_minbias = len(count)
            if n_minbias == 0:
                raise UserError(f"pool of minbias must hold tracks in the {split} split; make a larger one")
        else:
            hard_first[process], hard_count[process] = total, len(count)
        counts.append(count)
        total += len(count)
    real = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    fake = _fakes(settings, split)
    count = np.concatenate(counts)
    turns = real["phi_rad"].astype(np.float64) / (2 * np.pi) % 1.0
    phase = (turns * _TURN).astype(np.uint64).astype(np.uint32)
    pt, eta, charge = (np.concatenate([real[name], fake[name]]) for name in ("pt_gev", "eta", "charge"))
    eta[eta == 0] = 1e-6  # so that the tanL of the mirror image is the complement of that of the track
    nothing = np.zeros(N_FAKES, dtype=np.float32)
    words = {
        "phase": np.concatenate([phase, nothing.view(np.uint32)]),
        "eta": eta.view(np.uint32),
        "pt": pt.view(np.uint32),
        "dz": np.concatenate([real["dz_cm"], nothing]).view(np.uint32),
        "rinv": _rinv_bits(pt, charge),
        "tanl": _tanl_bits(eta),
    }
    return SplitPool(
        start=np.cumsum(count) - count,
        count=count,
        n_minbias=n_minbias,
        minbias_share=minbias_share,
        hard_first=hard_first,
        hard_count=hard_count,
        fake_first=len(real["eta"]),
        direction=np.stack([words[name] for name in DIRECTION], axis=1).view(np.uint64)[:, 0],
        rest=np.stack([words[name] for name in REST], axis=1).view(np.complex128)[:, 0],
    )
