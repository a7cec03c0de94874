"""The 96-bit word of a level-1 track: its fields, their digitisation, packing and unpacking.

Widths, steps, bin edges and the order of the fields are those of CMSSW's `TTTrack_TrackWord`
(DataFormats/L1TrackTrigger, version of 2021 and later), from the most significant bit down: valid, Rinv, phi,
chi2rphi | tanL, z0, chi2rz | d0, bendchi2, hit pattern, quality MVA, other MVA. The bars are at bits 64 and 32:
no field crosses a boundary of 32 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.events.errors import UserError
from sim.events.tracks.processes import RINV_PER_INVERSE_GEV

WORD_BITS = 96
N_SECTORS = 9
N_LINKS = 2 * N_SECTORS


@dataclass(frozen=True)
class Field:
    """One field of the track word.

    Attributes
    ----------
    offset : int
        Bit of the word that holds the field's least significant bit.
    width : int
        Bits.
    signed : bool
        Two's complement if so.
    lsb : float
        Value of one step; 1 for flags and patterns; 0 where `edges` rules.
    unit : str
    edges : tuple of float
        Lower edges of the bins of a field with uneven steps, as many as it has values.
    """

    offset: int
    width: int
    signed: bool
    lsb: float
    unit: str = ""
    edges: tuple[float, ...] = ()

    @property
    def low(self) -> int:
        """Smallest integer it holds."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest integer it holds."""
        return (1 << (self.width - self.signed)) - 1


_CHI2RPHI = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 10.0, 15.0, 20.0, 35.0, 60.0, 200.0)
_CHI2RZ = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 8.0, 10.0, 20.0, 50.0)
_BENDCHI2 = (0.0, 0.75, 1.0, 1.5, 2.25, 3.5, 5.0, 20.0)
_MVA = tuple(k / 8 for k in range(8))

FIELDS: dict[str, Field] = {
    "valid": Field(95, 1, False, 1.0),
    "rinv": Field(80, 15, True, 2 * 0.006 / 2**15, "1/cm"),
    "phi": Field(68, 12, True, 2 * 0.7853981696 / 2**12, "rad, from the centre of the sector"),
    "chi2rphi": Field(64, 4, False, 0.0, "per degree of freedom", _CHI2RPHI),
    "tanl": Field(48, 16, True, 2.0**-12),
    "z0": Field(36, 12, True, 2 * 20.46912512 / 2**12, "cm"),
    "chi2rz": Field(32, 4, False, 0.0, "per degree of freedom", _CHI2RZ),
    "d0": Field(19, 13, True, 2.0**-8, "cm"),
    "bendchi2": Field(16, 3, False, 0.0, "per degree of freedom", _BENDCHI2),
    "hitpattern": Field(9, 7, False, 1.0),
    "mva_quality": Field(6, 3, False, 0.0, "probability", _MVA),
    "mva_other": Field(0, 6, False, 1.0),
}


def _field(name: str) -> Field:
    if name not in FIELDS:
        raise UserError(f"field of the track word must be one of {', '.join(FIELDS)}, not {name!r}")
    return FIELDS[name]


def digitise(name: str, values: ArrayLike) -> NDArray[np.int32]:
    """The integers of a field: floor(value / LSB), or the bin, saturated at both ends.

    Parameters
    ----------
    name : str
        A key of `FIELDS`.
    values : array_like of float
        In the field's unit; infinities saturate.

    Returns
    -------
    int32 array, the shape of `values`

    Raises
    ------
    UserError
        An unknown field, or NaN.
    """
    field = _field(name)
    numbers = np.asarray(values, dtype=np.float64)
    nan = np.isnan(numbers)
    if np.any(nan):
        raise UserError(
            f"{name} must be a number; element {int(np.flatnonzero(nan)[0])} is NaN; drop the track or correct it"
        )
    if field.edges:
        steps = np.searchsorted(field.edges, numbers, side="right") - 1.0
    else:
        steps = np.floor(numbers / field.lsb)
    return np.clip(steps, field.low, field.high).astype(np.int32)


def undigitise(name: str, steps: ArrayLike) -> NDArray[np.float64]:
    """The value of a field's integers: the middle of the step, (n + 0.5) LSB; the lower edge of an uneven bin;
    flags and patterns as they are.

    Parameters
    ----------
    name : str
        A key of `FIELDS`.
    steps : array_like of int

    Returns
    -------
    float64 array, the shape of `steps`

    Raises
    ------
    UserError
        An unknown field, or an integer that it cannot hold.
    """
    field = _field(name)
    integers = _held(name, field, steps)
    if field.edges:
        return np.array(field.edges, dtype=np.float64)[integers]
    middle = integers + (0.5 if field.signed else 0.0)
    return np.asarray(middle * field.lsb, dtype=np.float64)


def _held(name: str, field: Field, steps: ArrayLike) -> NDArray[np.int64]:
    integers = np.asarray(steps)
    if integers.dtype != bool and not np.issubdtype(integers.dtype, np.integer):
        raise UserError(f"{name} must be integers to be packed, not {integers.dtype}; call digitise first")
    integers = integers.astype(np.int64)
    bad = np.flatnonzero((integers < field.low) | (integers > field.high))
    if len(bad):
        raise UserError(
            f"{name} must lie in [{field.low}, {field.high}] ({field.width} bits); element {bad[0]} is "
            f"{integers.ravel()[bad[0]]}; call digitise, which saturates"
        )
    return integers


def pack(fields: Mapping[str, ArrayLike]) -> NDArray[np.uint32]:
    """Pack the integers of all fields into track words.

    Parameters
    ----------
    fields : mapping of str to array_like of int, shape (tracks,)
        Every key of `FIELDS`; signed fields as signed integers.

    Returns
    -------
    uint32 array, shape (tracks, 3)
        Bits 0 to 31, 32 to 63 and 64 to 95 of each word.

    Raises
    ------
    UserError
        A field is missing, unknown, of another length, or does not fit.
    """
    missing, unknown = [f for f in FIELDS if f not in fields], [f for f in fields if f not in FIELDS]
    if missing or unknown:
        raise UserError(
            f"fields of the track word must be {', '.join(FIELDS)}; missing: {', '.join(missing) or 'none'}; "
            f"unknown: {', '.join(unknown) or 'none'}"
        )
    integers = {name: _held(name, field, fields[name]) for name, field in FIELDS.items()}
    lengths = {name: values.shape for name, values in integers.items()}
    if len(set(lengths.values())) > 1 or len(next(iter(lengths.values()))) != 1:
        raise UserError(f"fields of the track word must be lists of one length, not of the shapes {lengths}")
    words = np.zeros((len(integers["valid"]), 3), dtype=np.uint32)
    for name, field in FIELDS.items():
        bits = (integers[name] & ((1 << field.width) - 1)).astype(np.uint32)
        words[:, field.offset // 32] |= bits << np.uint32(field.offset % 32)
    return words


def unpack(words: NDArray[np.uint32]) -> dict[str, NDArray[np.int32]]:
    """The integers of all fields of track words, signed where the field is.

    Parameters
    ----------
    words : uint32 array, shape (tracks, 3)

    Returns
    -------
    dict of str to int32 array, shape (tracks,)

    Raises
    ------
    UserError
        Another type or shape.
    """
    return {name: unpack_field(words, name) for name in FIELDS}


def unpack_field(words: NDArray[np.uint32], name: str) -> NDArray[np.int32]:
    """The integers of one field, as `unpack` gives them."""
    field = _field(name)
    if words.dtype != np.uint32 or words.ndim != 2 or words.shape[1] != 3:
        raise UserError(f"track words must be uint32 of shape (tracks, 3), not {words.dtype} of shape {words.shape}")
    # to the top of its 32 bits and back: the shift of a signed integer copies the sign
    top = words[:, field.offset // 32] << np.uint32(32 - field.width - field.offset % 32)
    if field.signed:
        return top.view(np.int32) >> np.int32(32 - field.width)
    return (top >> np.uint32(32 - field.width)).view(np.int32)


def rinv_from_pt(pt_gev: ArrayLike, charge: ArrayLike) -> NDArray[np.float64]:
    """Rinv in 1/cm of tracks in 3.8112 T; positive for a positive charge."""
    return np.asarray(charge, dtype=np.float64) * RINV_PER_INVERSE_GEV / np.asarray(pt_gev, dtype=np.float64)


def pt_from_rinv(rinv_per_cm: ArrayLike) -> NDArray[np.float64]:
    """PT in GeV of tracks in 3.8112 T."""
    return RINV_PER_INVERSE_GEV / np.abs(np.asarray(rinv_per_cm, dtype=np.float64))


def pt_of_words(words: NDArray[np.uint32]) -> NDArray[np.float64]:
    """PT in GeV that a track word says, shape (tracks,)."""
    return pt_from_rinv(undigitise("rinv", unpack_field(words, "rinv")))


def sector_of(phi_rad: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sector (0 to 8) of an azimuth, and the azimuth relative to its centre.

    Sector k is centred at k times 40 degrees; a track belongs to the one its direction lies in (the real
    sectors are bounded at a radius inside the tracker).
    """
    phi = np.asarray(phi_rad, dtype=np.float64)
    width = 2 * np.pi / N_SECTORS
    nearest = np.rint(phi / width)
    return (nearest % N_SECTORS).astype(np.int64), phi - nearest * width
