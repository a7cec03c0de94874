"""Events: a hard collision, Poisson pile-up and fakes, as the track finder would give them.

Events are made in blocks of 128, each with a random generator of its own from (seed, split, block): an event
depends on its number only, not on how many are asked for at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.events.tracks.events import EventBuffer, TrackEvents
from sim.events.tracks.pool import DIRECTION, N_FAKES, REST, SPLITS, SplitPool
from sim.events.tracks.processes import PROCESSES
from sim.events.tracks.quality import QualityTables, quality_tables
from sim.events.tracks.settings import TrackSettings
from sim.events.tracks.word import FIELDS, N_LINKS, N_SECTORS

BLOCK_EVENTS = 128
_INDEX_BITS, _ORDER_BITS = 22, 16
_Z0, _PHI, _TANL = FIELDS["z0"], FIELDS["phi"], FIELDS["tanl"]
_TANL_MASK = np.uint32(((1 << _TANL.width) - 1) << (_TANL.offset - 32))
# steps of the word's phi in a sector's width / 2^32
_PHI_STEPS = 2 * np.pi / N_SECTORS / 2**32 / _PHI.lsb


@dataclass(frozen=True)
class Overlay:
    """What all blocks of a split share: its pool, the settings, the seed.

    Attributes
    ----------
    pool : SplitPool
    split : str
    settings : TrackSettings
    ttbar_fraction : float
        Share of ttbar among the events, evenly spread.
    seed : int
    """

    pool: SplitPool
    split: str
    settings: TrackSettings
    ttbar_fraction: float
    seed: int

    def __post_init__(self) -> None:
        # worked out once, not a block
        object.__setattr__(self, "_real", quality_tables(self.settings, "real"))
        object.__setattr__(self, "_fake", quality_tables(self.settings, "fake"))

    def tables(self, kind: str) -> QualityTables:
        """Quality tables of "real" or "fake" tracks."""
        tables: QualityTables = getattr(self, f"_{kind}")
        return tables


@dataclass(frozen=True)
class Block:
    """Tracks of a block, sorted by event, link and chance, before they are digitised.

    Attributes
    ----------
    start : int64 array, shape (events + 1,)
    process : uint8 array, shape (events,)
    z0_true : float32 array, shape (events,)
    fake : int64 array, shape (fakes,)
        Positions of the tracks that no particle made.
    rest : uint32 array, shape (tracks, 4)
        The words `REST` of the pool.
    mirrored : uint32 array, shape (tracks,)
        1 if the collision was reflected in z.
    phi : int32 array, shape (tracks,)
        The word of the azimuth in the sector.
    link, is_primary, eta, z0 : arrays, shape (tracks,)
        As in `TrackEvents`.
    """

    start: NDArray[np.int64]
    process: NDArray[np.uint8]
    z0_true: NDArray[np.float32]
    fake: NDArray[np.int64]
    rest: NDArray[np.uint32]
    mirrored: NDArray[np.uint32]
    phi: NDArray[np.int32]
    link: NDArray[np.uint8]
    is_primary: NDArray[np.bool_]
    eta: NDArray[np.float32]
    z0: NDArray[np.float32]


def hard_collisions(overlay: Overlay, first: int, n: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Process, and position in the pool, of the hard collisions of the events `first` to `first + n - 1`.

    The collisions of each process are taken in turn, and again from the first when all were used.
    """
    before = np.floor(np.arange(first, first + n + 1) * overlay.ttbar_fraction + 1e-9).astype(np.int64)
    is_ttbar = np.diff(before) > 0
    ordinal = np.where(is_ttbar, before[:-1], np.arange(first, first + n) - before[:-1])
    process = np.where(is_ttbar, PROCESSES.index("ttbar"), PROCESSES.index("zll")).astype(np.uint8)
    starts = np.array([overlay.pool.hard_first[name] for name in PROCESSES])
    counts = np.array([overlay.pool.hard_count[name] for name in PROCESSES])
    return process, starts[process] + ordinal % counts[process]


def _phi(phase: NDArray[np.uint32]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Sector, and word of the azimuth relative to its centre."""
    ninths = phase.astype(np.uint64)
    ninths *= np.uint64(N_SECTORS)
    ninths += np.uint64(1 << 31)
    local = ninths.astype(np.uint32) ^ np.uint32(1 << 31)  # from the sector's centre, two's complement
    ninths >>= np.uint64(32)
    ninths[ninths == N_SECTORS] = 0
    return ninths, np.floor(local.view(np.int32) * _PHI_STEPS).astype(np.int32)


def _negated(bits: NDArray[np.uint32], sign: NDArray[np.uint32]) -> NDArray[np.float32]:
    """The float32 values of `bits`, with the sign changed where bit 31 of `sign` is set."""
    return (bits ^ sign).view(np.float32)


@dataclass(frozen=True)
class _Owners:
    """What tracks come from: the collisions of a block, then its fakes, each of which owns one track.

    `collision` is the position in the pool of each collision; the others are of all owners: `event`, counted
    in the block; `z` in cm; `turn`, whose 32 bits rotate and whose last bit mirrors as well; `is_hard`.
    """

    collision: NDArray[np.int64]
    event: NDArray[np.uint64]
    z: NDArray[np.float32]
    turn: NDArray[np.uint32]
    is_hard: NDArray[np.bool_]


def _draw_owners(overlay: Overlay, hard: NDArray[np.int64], rng: np.random.Generator) -> _Owners:
    pool, settings, n_events = overlay.pool, overlay.settings, len(hard)
    # collisions without a track need not be drawn: what remains is Poisson too
    n_collisions = 1 + rng.poisson(settings.pileup * pool.minbias_share, n_events)
    n_fakes = rng.poisson(settings.fakes, n_events)
    first = np.cumsum(n_collisions) - n_collisions
    total, fakes = int(n_collisions.sum()), int(n_fakes.sum())
    collision = rng.integers(0, pool.n_minbias, total, dtype=np.uint32).astype(np.int64)
    collision[first] = hard
    z = np.empty(total + fakes, dtype=np.float32)
    rng.standard_normal(total, dtype=np.float32, out=z[:total])
    z[:total] *= np.float32(settings.luminous_sigma_z_cm)
    z[total:] = (2 * rng.random(fakes, dtype=np.float32) - 1) * np.float32(settings.fake_z0_cm)
    is_hard = np.zeros(total + fakes, dtype=bool)
    is_hard[first] = True
    numbers = np.arange(n_events, dtype=np.uint64)
    event = np.concatenate([np.repeat(numbers, n_collisions), np.repeat(numbers, n_fakes)])
    return _Owners(collision, event, z, rng.integers(0, 2**32, len(z), dtype=np.uint32), is_hard)


def _draw_tracks(
    overlay: Overlay, owners: _Owners, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Owner and position in the pool of each track, and whether its z0 is in the tails."""
    pool, settings = overlay.pool, overlay.settings
    total, fakes = len(owners.collision), len(owners.z) - len(owners.collision)
    count = pool.count.take(owners.collision)
    owner = np.repeat(np.arange(total), count)
    luck = rng.integers(0, 2**16, len(owner), dtype=np.uint16)
    found = np.flatnonzero(luck < round(settings.efficiency * 2**16))
    n_real = len(found)
    owner = np.concatenate([owner.take(found), np.arange(total, total + fakes)])
    track = np.empty(n_real + fakes, dtype=np.int64)
    before = pool.start.take(owners.collision) - (np.cumsum(count) - count)
    np.add(found, before.take(owner[:n_real]), out=track[:n_real])
    track[n_real:] = rng.integers(0, N_FAKES, fakes, dtype=np.uint16)
    track[n_real:] += pool.fake_first
    # the found tracks of the lowest luck are in the tails
    is_tail = np.zeros(len(track), dtype=bool)
    is_tail[:n_real] = luck.take(found) < round(settings.efficiency * settings.z0_tail_fraction * 2**16)
    return owner, track, is_tail


def draw_block(overlay: Overlay, number: int, rng: np.random.Generator) -> Block:
    """Draw the collisions and fakes of a block and gather their tracks."""
    pool, settings = overlay.pool, overlay.settings
    process, hard = hard_collisions(overlay, number * BLOCK_EVENTS, BLOCK_EVENTS)
    owners = _draw_owners(overlay, hard, rng)
    owner, track, is_tail = _draw_tracks(overlay, owners, rng)

    turned = owners.turn.take(owner)
    direction = pool.direction.take(track).view(np.uint32).reshape(-1, 2)
    eta = _negated(direction[:, DIRECTION.index("eta")], turned << np.uint32(31))
    sector, phi = _phi(direction[:, DIRECTION.index("phase")] + turned)
    link = sector.astype(np.uint8)
    link <<= np.uint8(1)
    link |= eta >= 0
    event = owners.event.take(owner)
    order = _order(event, link, rng)

    owner, track, eta = owner.take(order), track.take(order), eta.take(order)
    mirrored = turned.take(order)
    mirrored &= np.uint32(1)
    rest = pool.rest.take(track).view(np.uint32).reshape(-1, 4)
    fake = np.flatnonzero(track >= pool.fake_first)
    sigma = settings.z0_resolution_cm
    z0 = rng.standard_normal(len(track), dtype=np.float32)
    z0 *= np.float32(sigma) + eta * eta * np.float32(sigma * settings.z0_resolution_eta2)
    z0[np.flatnonzero(is_tail.take(order))] *= np.float32(settings.z0_tail_factor)
    z0[fake] = 0
    z0 += owners.z.take(owner)
    z0 += _negated(rest[:, REST.index("dz")], mirrored << np.uint32(31))
    n_tracks = np.bincount(event.view(np.int64), minlength=BLOCK_EVENTS)
    return Block(
        start=np.concatenate([[0], np.cumsum(n_tracks)]),
        process=process,
        z0_true=owners.z[owners.is_hard],
        fake=fake,
        rest=rest,
        mirrored=mirrored,
        phi=phi.take(order),
        link=link.take(order),
        is_primary=owners.is_hard.take(owner),
        eta=eta,
        z0=z0,
    )


def _order(event: NDArray[np.uint64], link: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of the tracks, sorted by event, link and chance: one sort of keys that carry the position."""
    assert len(event) <= 1 << _INDEX_BITS
    key = event * np.uint64(N_LINKS)
    key += link
    key <<= np.uint64(_ORDER_BITS)
    key |= rng.integers(0, 2**_ORDER_BITS, len(key), dtype=np.uint16)
    key <<= np.uint64(_INDEX_BITS)
    key |= np.arange(len(key), dtype=np.uint64)
    key.sort()
    key &= np.uint64((1 << _INDEX_BITS) - 1)
    return key.view(np.int64)


def block_words(overlay: Overlay, block: Block, rng: np.random.Generator) -> NDArray[np.uint32]:
    """The track words of a block, shape (tracks, 3); the quality fields are drawn here."""
    words = np.empty((len(block.z0), 3), dtype=np.uint32)
    random = rng.integers(0, 2**64, len(words), dtype=np.uint64)
    z0 = np.floor(block.z0 / np.float64(_Z0.lsb))
    np.clip(z0, _Z0.low, _Z0.high, out=z0)
    z0_bits = z0.astype(np.int32).view(np.uint32)
    z0_bits &= np.uint32((1 << _Z0.width) - 1)
    z0_bits <<= np.uint32(_Z0.offset - 32)
    # floor(-x) is the complement of floor(x)
    tanl_bits = block.mirrored * _TANL_MASK
    tanl_bits ^= block.rest[:, REST.index("tanl")]
    tanl_bits |= z0_bits
    phi_bits = block.phi.view(np.uint32) & np.uint32((1 << _PHI.width) - 1)
    phi_bits <<= np.uint32(_PHI.offset - 64)
    phi_bits |= block.rest[:, REST.index("rinv")]
    low, middle, high = overlay.tables("real").draw(random)
    low[block.fake], middle[block.fake], high[block.fake] = overlay.tables("fake").draw(random[block.fake])
    words[:, 0] = low
    np.bitwise_or(middle, tanl_bits, out=words[:, 1])
    np.bitwise_or(high, phi_bits, out=words[:, 2])
    return words


def block_rng(overlay: Overlay, number: int) -> np.random.Generator:
    """The random generator of a block."""
    # what SeedSequence.spawn gives its grandchildren, without a count of children to keep
    sequence = np.random.SeedSequence(overlay.seed, spawn_key=(SPLITS.index(overlay.split), number))
    return np.random.Generator(np.random.SFC64(sequence))


def _block(overlay: Overlay, number: int) -> TrackEvents:
    """All events of a block."""
    rng = block_rng(overlay, number)
    block = draw_block(overlay, number, rng)
    return TrackEvents(
        start=block.start,
        words=block_words(overlay, block, rng),
        link=block.link,
        is_primary=block.is_primary,
        process=block.process,
        z0_true=block.z0_true,
        pt=block.rest[:, REST.index("pt")].copy().view(np.float32),
        eta=block.eta,
        z0=block.z0,
    )


def overlay_events(overlay: Overlay, first: int, n: int) -> TrackEvents:
    """The events `first` to `first + n - 1` of a split.

    Parameters
    ----------
    overlay : Overlay
    first, n : int
        From 0; at least one event. The same event has the same bytes whatever the range it is asked for in.
    """
    buffer = EventBuffer(n)
    for number in range(first // BLOCK_EVENTS, -(-(first + n) // BLOCK_EVENTS)):
        block = _block(overlay, number)
        low, high = max(first - number * BLOCK_EVENTS, 0), min(first + n - number * BLOCK_EVENTS, BLOCK_EVENTS)
        buffer.append(block if high - low == BLOCK_EVENTS else block.take(np.arange(low, high)))
    return buffer.events()
