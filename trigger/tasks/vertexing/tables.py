"""Words that enter the networks, made from the fields of a track word by tables: the same for training and firmware.

A table has one entry an address, so only integers of the track word decide a network's input. The transverse momentum
enters by its logarithm, since weights follow its order of magnitude.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware.network.fixed_point import FixedPoint
from firmware.vertex import Feature, Field
from sim.events.tracks.word import FIELDS, pt_from_rinv

__all__ = [
    "ETA", "MAX_ETA", "MVA", "MVA_BITS", "PT", "PT_OCTAVES", "eta_feature", "features", "mva_feature", "pt_feature",
    "track_fields",
]  # fmt: skip

PT, ETA, MVA = "pt", "eta", "mva"
"""Inputs of both networks."""

MVA_BITS = FIELDS["mva_quality"].width

PT_OCTAVES = 6
"""Range of the word of pT: 2 GeV to 128 GeV, where CMSSW's FastHisto saturates (at 127 GeV)."""

MAX_ETA = 2.4
"""Acceptance of the track finder."""

_LOWEST_PT_GEV = 2.0
_RINV_SHIFT = {7: 4, 8: 3}
"""Low bits of |Rinv| that are dropped: 512 addresses, more only where the word of pT is fine enough to notice."""
_RINV_SHIFT_ELSE = 5
_TANL_SHIFT = 6
"""Low bits of |tan lambda| that are dropped: 512 addresses of 1/64."""


def track_fields() -> dict[str, Field]:
    """The fields of the published track word that the finder reads."""
    used = {"valid": "valid", "rinv": "rinv", "tanl": "tanl", "z0": "z0", "mva": "mva_quality"}
    return {
        name: Field(offset=FIELDS[field].offset, width=FIELDS[field].width, signed=FIELDS[field].signed)
        for name, field in used.items()
    }


def pt_feature(bits: int) -> Feature:
    """Logarithm of pT from |Rinv|: ``floor(log2(pT / 2 GeV) / 6 * 2**bits)``, saturated.

    pT is that of the middle of the address's steps.

    Parameters
    ----------
    bits : int

    Returns
    -------
    Feature
        Its value is in [0, 1).
    """
    shift = _RINV_SHIFT.get(bits, _RINV_SHIFT_ELSE)
    addresses = 1 << (FIELDS["rinv"].width - 1 - shift)
    pt_gev = pt_from_rinv(_middle(addresses, shift) * FIELDS["rinv"].lsb)
    octaves = np.log2(pt_gev / _LOWEST_PT_GEV)
    return Feature(
        name=PT, field="rinv", shift=shift, format=_unit_format(bits), table=_words(octaves / PT_OCTAVES, bits)
    )


def eta_feature(bits: int) -> Feature:
    """|eta| from |tan lambda|: ``floor(|eta| / 2.4 * 2**bits)``, saturated.

    Parameters
    ----------
    bits : int

    Returns
    -------
    Feature
        Its value is in [0, 1).
    """
    addresses = 1 << (FIELDS["tanl"].width - 1 - _TANL_SHIFT)
    eta = np.arcsinh(_middle(addresses, _TANL_SHIFT) * FIELDS["tanl"].lsb)
    return Feature(
        name=ETA, field="tanl", shift=_TANL_SHIFT, format=_unit_format(bits), table=_words(eta / MAX_ETA, bits)
    )


def mva_feature() -> Feature:
    """The track's quality, as its word has it."""
    return Feature(name=MVA, field="mva", format=_unit_format(MVA_BITS))


def features(pt_bits: int, eta_bits: int) -> tuple[Feature, ...]:
    """The three features of a finder."""
    return pt_feature(pt_bits), eta_feature(eta_bits), mva_feature()


def _middle(addresses: int, shift: int) -> NDArray[np.float64]:
    """Magnitude in steps at the middle of what each address stands for."""
    return (np.arange(addresses, dtype=np.float64) + 0.5) * 2.0**shift


def _words(fraction: NDArray[np.float64], bits: int) -> NDArray[np.int64]:
    highest = (1 << bits) - 1
    return np.clip(np.floor(fraction * (highest + 1)), 0, highest).astype(np.int64)


def _unit_format(bits: int) -> FixedPoint:
    return FixedPoint(bits, 0, signed=False)
