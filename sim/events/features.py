"""The feature table: every shape variable once, with its meaning, unit, range and default precision.

A variable travels to the trigger board as an unsigned word of a few bits: `digitise` cuts the range [low, high) in
``2**bits`` equal steps and saturates, `undigitise` gives the middle of a step. The ranges cover the 0.1% to 99.9%
quantiles of the generated electrons, photons and pile-up clusters, rounded, so that few words are wasted. Whole numbers
get steps of one at their default bits (of two for layers: the trigger reads the odd ones).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.events.errors import UserError

MAX_BITS = 24  # float32 features carry no more

_CMS = "name and idea: CMSSW HGCalShowerShape; definition: sim.events.shapes"


@dataclass(frozen=True)
class Feature:
    """One variable of a cluster.

    Attributes
    ----------
    name : str
        Its CMS name.
    meaning : str
        How it is computed.
    unit : str
        "1" for a pure number.
    low, high : float
        Range of the digitised word, in `unit`.
    default_bits : int
        Bits of the word where a study does not say.
    source : str
        Where name and definition come from.
    """

    name: str
    meaning: str
    unit: str
    low: float
    high: float
    default_bits: int = 8
    source: str = _CMS


_ROWS: tuple[tuple[Any, ...], ...] = (
    ("showerlength", "last minus first layer hit, plus one", "layers", 16, 48, 5),
    ("coreshowerlength", "longest run of consecutive trigger layers hit", "trigger layers", 8, 24, 4),
    ("firstlayer", "first layer hit", "layer", 0, 16, 3),
    ("maxlayer", "layer with the largest energy", "layer", 0, 32, 4),
    ("seetot", "energy-weighted standard deviation of eta of all cells", "1", 0, 0.064),
    ("seemax", "largest standard deviation of eta within one layer", "1", 0, 0.096),
    ("spptot", "energy-weighted standard deviation of azimuth of all cells", "rad", 0, 0.064),
    ("sppmax", "largest standard deviation of azimuth within one layer", "rad", 0, 0.096),
    ("szz", "energy-weighted standard deviation of z of all cells", "cm", 0, 32),
    (
        "srrtot",
        "energy-weighted standard deviation of r/z of all cells, r from the beam line",
        "1",
        0.002,
        0.008,
    ),
    ("srrmax", "largest standard deviation of r/z within one layer", "1", 0.002, 0.012),
    (
        "srrmean",
        "quadratic mean over layers, weighted by energy, of the standard deviation of r/z of the cells "
        "within 5 cm of the layer's hottest",
        "1",
        0.002,
        0.0065,
    ),
    ("emaxe", "share of the energy in the layer with the largest energy", "1", 0.1, 0.3),
    ("hoe", "hadronic over electromagnetic energy, at most 100", "1", 0, 0.3),
    ("meanz", "energy-weighted mean |z|", "cm", 328, 352),
    ("layer10", "layer at which 10% of the energy is reached, interpolated", "layer", 4, 16),
    ("layer50", "layer at which 50% of the energy is reached, interpolated", "layer", 8, 20),
    ("layer90", "layer at which 90% of the energy is reached, interpolated", "layer", 12, 40),
    ("ntc67", "fewest cells that hold 67% of the energy", "cells", 4, 36, 5),
    ("ntc90", "fewest cells that hold 90% of the energy", "cells", 16, 80, 6),
    ("varee", "seetot squared", "1", 0, 0.003),
    ("varpp", "spptot squared", "rad^2", 0, 0.003),
    ("varrr", "srrtot squared", "1", 0, 0.00005),
    ("varzz", "szz squared", "cm^2", 0, 1024),
    ("eot", "electromagnetic share of the energy (our reading of the name)", "1", 0.8, 1),
    ("first1layers", "share of the energy in the first trigger layer", "1", 0, 0.02),
    ("first3layers", "share of the energy in the first three trigger layers", "1", 0, 0.32),
    ("first5layers", "share of the energy in the first five trigger layers", "1", 0, 0.75),
    ("firstHcal1layers", "share of the energy in the first hadronic layer", "1", 0, 0.08),
    ("firstHcal3layers", "share of the energy in the first three hadronic layers", "1", 0, 0.16),
)


def _row(name: str, meaning: str, unit: str, low: float, high: float, bits: int = 8) -> Feature:
    return Feature(name, meaning, unit, float(low), float(high), bits)


SHOWER_FEATURES: dict[str, Feature] = {row[0]: _row(*row) for row in _ROWS}

CONTEXT_FEATURES: dict[str, Feature] = {
    "pt": Feature(
        "pt",
        "transverse momentum of the cluster; never an input by default, since it carries the classes' "
        "different thresholds",
        "GeV",
        0.0,
        128.0,
        14,
        "CMS correlator word: 14 bits",
    ),
    "eta": Feature("eta", "absolute pseudorapidity of the cluster", "1", 1.4, 3.2, 10, "CMS correlator word: 10 bits"),
}

CMSSW_SMALL = ("firstlayer", "coreshowerlength", "maxlayer", "srrmean")
CMSSW_LARGE = (
    "coreshowerlength", "showerlength", "firstlayer", "maxlayer", "szz", "srrmean", "srrtot", "seetot",
    "spptot",
)  # fmt: skip


def feature(name: str) -> Feature:
    """The feature called `name`, shape variable or context.

    Raises
    ------
    UserError
        If there is none.
    """
    found = SHOWER_FEATURES.get(name) or CONTEXT_FEATURES.get(name)
    if found is None:
        raise UserError(
            f"feature {name!r} is not in the table; known: {', '.join((*SHOWER_FEATURES, *CONTEXT_FEATURES))}"
        )
    return found


def _steps(bits: int) -> int:
    if isinstance(bits, bool) or not isinstance(bits, (int, np.integer)) or not 1 <= bits <= MAX_BITS:
        raise UserError(f"bits of a feature must be a whole number from 1 to {MAX_BITS}, not {bits!r}")
    return 1 << int(bits)


def digitise(values: ArrayLike, feature: Feature, bits: int) -> NDArray[np.int64]:
    """Unsigned word of `bits` bits: ``floor((x - low) / (high - low) * 2**bits)``, saturated to [0, 2**bits -
    1].

    Parameters
    ----------
    values : array
        Values in the feature's unit, any shape.
    feature : Feature
    bits : int
        1 to 24.

    Returns
    -------
    int64 array
        Of the shape of `values`.

    Raises
    ------
    UserError
        If `bits` is out of range or a value is not a number (infinities saturate).
    """
    steps = _steps(bits)
    array = np.asarray(values, dtype=np.float64)
    if np.isnan(array).any():
        where = int(np.flatnonzero(np.isnan(array).ravel())[0])
        raise UserError(f"feature {feature.name}: a value to digitise must be a number; value {where} is NaN")
    scaled = (array - feature.low) / (feature.high - feature.low) * steps
    return np.clip(np.floor(scaled), 0, steps - 1).astype(np.int64)


def undigitise(words: ArrayLike, feature: Feature, bits: int) -> NDArray[np.float64]:
    """Middle of the step of each word, in the feature's unit: ``low + (n + 0.5) (high - low) / 2**bits``.

    Raises
    ------
    UserError
        If `bits` is out of range or a word does not fit it.
    """
    steps = _steps(bits)
    array = np.asarray(words)
    if array.size and (array.min() < 0 or array.max() >= steps):
        raise UserError(
            f"feature {feature.name}: a word of {bits} bits must lie in [0, {steps - 1}], "
            f"not {array.min()} to {array.max()}"
        )
    return feature.low + (array + 0.5) * ((feature.high - feature.low) / steps)
