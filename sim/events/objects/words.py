"""Objects as the integers that a level-1 trigger hands to its algorithms.

pT is unsigned and saturates, eta is signed and saturates, phi counts steps of a full circle. An object whose pT
word is zero is missing: all its words are zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.events.checks import number, whole_number
from sim.events.errors import UserError
from sim.events.objects.layout import GROUPS, N_OBJECTS
from sim.events.objects.reader import count_events, stream_events


@dataclass(frozen=True)
class WordScale:
    """The integers of one kind of object.

    Attributes
    ----------
    pt_lsb_gev : float
    pt_bits : int
        Unsigned.
    eta_lsb : float
    eta_bits : int
        Signed; 0 if the object has no eta.
    phi_steps : int
        Steps of a full circle; word 0 begins at phi = 0.
    """

    pt_lsb_gev: float
    pt_bits: int
    eta_lsb: float
    eta_bits: int
    phi_steps: int

    def __post_init__(self) -> None:
        number("pt_lsb_gev", self.pt_lsb_gev, 1e-3, 100)
        number("eta_lsb", self.eta_lsb, 1e-5, 10)
        whole_number("pt_bits", self.pt_bits, 1, 16)
        whole_number("eta_bits", self.eta_bits, 0, 16)
        whole_number("phi_steps", self.phi_steps, 2, 65536)
        if self.phi_steps % 2:
            raise UserError(
                f"phi_steps must be even, so that half a circle is a whole number of steps, not {self.phi_steps}; "
                f"take {self.phi_steps + 1}"
            )

    @property
    def phi_bits(self) -> int:
        """Bits of the unsigned phi word."""
        return (self.phi_steps - 1).bit_length()

    @property
    def phi_lsb_rad(self) -> float:
        """One step."""
        return 2 * np.pi / self.phi_steps


@dataclass(frozen=True)
class ObjectScales:
    """The integers of all objects."""

    met: WordScale
    electron: WordScale
    muon: WordScale
    jet: WordScale

    def of(self, name: str) -> WordScale:
        """The scale of a group of objects."""
        scale = getattr(self, name)
        assert isinstance(scale, WordScale)
        return scale

    def per_slot(self) -> list[WordScale]:
        """The scale of each of the 19 slots."""
        return [self.of(group.name) for group in GROUPS for _ in range(group.size)]

    @property
    def common_phi_steps(self) -> int:
        """Steps of the circle on which the middle of every phi word lies."""
        return 2 * math.lcm(*(self.of(group.name).phi_steps for group in GROUPS))


_CALO_ETA, _MUON_ETA = 0.0870 / 2, 0.0870 / 8
SCALES = {
    # published: the global trigger of CMS in Run 2 and 3
    "gt": ObjectScales(
        met=WordScale(0.5, 12, _CALO_ETA, 0, 144),
        electron=WordScale(0.5, 9, _CALO_ETA, 8, 144),
        muon=WordScale(0.5, 9, _MUON_ETA, 9, 576),
        jet=WordScale(0.5, 11, _CALO_ETA, 8, 144),
    ),
    # assumption: one scale for all, and a circle of 2^8 steps, on which a difference wraps for free
    "uniform": ObjectScales(
        met=WordScale(0.5, 11, _CALO_ETA, 0, 256),
        electron=WordScale(0.5, 11, _CALO_ETA, 8, 256),
        muon=WordScale(0.5, 11, _CALO_ETA, 8, 256),
        jet=WordScale(0.5, 11, _CALO_ETA, 8, 256),
    ),
}


def scales_of(name: str) -> ObjectScales:
    """One of the named scales.

    Raises
    ------
    UserError
        If there is none of this name.
    """
    if name not in SCALES:
        raise UserError(f"scales must be one of {', '.join(SCALES)}, not {name!r}")
    return SCALES[name]


def _columns(scales: ObjectScales) -> tuple[NDArray, ...]:
    per_slot = scales.per_slot()
    pt_max = np.array([2**s.pt_bits - 1 for s in per_slot])
    eta_low = np.array([-(2 ** (s.eta_bits - 1)) if s.eta_bits else 0 for s in per_slot])
    eta_high = np.array([2 ** (s.eta_bits - 1) - 1 if s.eta_bits else 0 for s in per_slot])
    steps = np.array([s.phi_steps for s in per_slot])
    return pt_max, eta_low, eta_high, steps


def digitise(objects: NDArray[np.floating], scales: ObjectScales) -> NDArray[np.int64]:
    """Words of objects: floor of value over LSB.

    Parameters
    ----------
    objects : float array, shape (N, 19, 3)
        pT in GeV, eta, phi in rad; empty slots have a pT of zero.
    scales : ObjectScales

    Returns
    -------
    int64 array, shape (N, 19, 3)
        pT from 0 to 2**pt_bits - 1, saturated; eta, saturated at both ends; phi from 0 to phi_steps - 1. An
        object softer than one LSB is missing like an empty one: its words are zero.
    """
    pt_max, eta_low, eta_high, steps = _columns(scales)
    pt_lsb = np.array([s.pt_lsb_gev for s in scales.per_slot()])
    eta_lsb = np.array([s.eta_lsb for s in scales.per_slot()])
    values = np.asarray(objects, dtype=np.float64)
    pt = np.minimum(np.floor(values[:, :, 0] / pt_lsb), pt_max)
    eta = np.clip(np.floor(values[:, :, 1] / eta_lsb), eta_low, eta_high)
    # the remainder of a value just below zero rounds to a full circle: taken once more, as integers
    phi = np.floor(values[:, :, 2] * (steps / (2 * np.pi))).astype(np.int64) % steps
    words = np.stack([pt.astype(np.int64), eta.astype(np.int64), phi], axis=2)
    return np.where(words[:, :, :1] > 0, words, 0)


def undigitise(words: NDArray[np.integer], scales: ObjectScales) -> NDArray[np.float32]:
    """The middle of each word's step, as objects of shape (N, 19, 3); missing ones are zero, phi is from -pi to pi."""
    per_slot = scales.per_slot()
    values = np.asarray(words, dtype=np.float64) + 0.5
    pt = values[:, :, 0] * np.array([s.pt_lsb_gev for s in per_slot])
    eta = values[:, :, 1] * np.array([s.eta_lsb if s.eta_bits else 0.0 for s in per_slot])
    steps = np.array([s.phi_steps for s in per_slot])
    turns = values[:, :, 2] / steps
    phi = 2 * np.pi * np.where(turns >= 0.5, turns - 1, turns)
    objects = np.stack([pt, eta, phi], axis=2)
    return np.where(np.asarray(words)[:, :, :1] > 0, objects, 0).astype(np.float32)


def phi_difference(a: NDArray[np.integer], b: NDArray[np.integer], steps: int) -> NDArray[np.int64]:
    """``a - b`` on a circle of `steps`, from ``-steps / 2`` to ``steps / 2 - 1``: integers all the way.

    Where `steps` is a power of two this is the low bits of the difference, read as a signed number.
    """
    half = steps // 2
    return (np.asarray(a, dtype=np.int64) - np.asarray(b, dtype=np.int64) + half) % steps - half


def common_phi(words: NDArray[np.integer], scales: ObjectScales) -> NDArray[np.int64]:
    """phi of all objects on one circle of ``scales.common_phi_steps``, shape (N, 19): the middles of their words.

    Exact: with calorimeter words of 144 and muon words of 576 steps, 8 n + 4 and 2 n + 1 on a circle of 1152.
    Only for slots that are present; others are zero.
    """
    per_slot = np.array([scales.common_phi_steps // s.phi_steps for s in scales.per_slot()])
    phi = np.asarray(words, dtype=np.int64)[:, :, 2] * per_slot + per_slot // 2
    return np.where(np.asarray(words)[:, :, 0] > 0, phi, 0)


def read_words(path: Path, scales: ObjectScales, *, n_events: int | None = None) -> NDArray[np.int32 | np.int16]:
    """Words of all events of a file in the challenge's layout, shape (N, 19, 3).

    Two bytes a word where they fit (114 an event: 10 million take 1.2 GB), else four; the file is read in pieces.

    Raises
    ------
    UserError
        As `sim.events.objects.reader.stream_events`.
    """
    total = count_events(path) if n_events is None else min(n_events, count_events(path))
    wide = any(max(s.pt_bits, s.eta_bits - 1, s.phi_bits) > 15 for s in scales.per_slot())
    words = np.empty((total, N_OBJECTS, 3), dtype=np.int32 if wide else np.int16)
    first = 0
    for objects, _ in stream_events(path, n_events=total):
        words[first : first + len(objects)] = digitise(objects, scales)
        first += len(objects)
    return words
