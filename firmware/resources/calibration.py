"""Adder-graph cost against LUTs after placement and routing: published values.

Source: Z. Que, C. Sun et al., "JEDI-linear: Fast and Efficient Graph Neural Networks for Jet Tagging on FPGAs",
arXiv:2508.15468 (2025): the summary files that its authors published with 20 designs, made through da4ml and hls4ml,
Vivado out of context on a VU13P. Cost is da4ml's count of LUTs of two-input adders.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

__all__ = ["PUBLISHED", "PublishedDesign", "lut_factors"]


@dataclass(frozen=True)
class PublishedDesign:
    """One design: its name, its adder-graph cost, its LUTs after routing, clocks asked for and closed, in ns."""

    name: str
    cost: float
    lut: int
    clock_asked_ns: float
    clock_closed_ns: float


PUBLISHED = tuple(
    PublishedDesign(name, cost, lut, 2.0, closed)
    for name, cost, lut, closed in (
        ("128-particle-16-feature-perminv", 218614.5, 242979, 4.212),
        ("128-particle-16-feature", 91132, 92580, 3.500),
        ("128-particle-3-feature-perminv", 301646.0, 295715, 4.923),
        ("128-particle-3-feature", 100961.0, 97822, 3.882),
        ("16-particle-16-feature-perminv", 91407.5, 98760, 3.257),
        ("16-particle-16-feature", 34736.5, 37675, 2.620),
        ("16-particle-3-feature-perminv", 127752.5, 136440, 3.271),
        ("16-particle-3-feature", 42015.5, 43809, 2.822),
        ("32-particle-16-feature-perminv", 132781.0, 146655, 3.282),
        ("32-particle-16-feature", 58026, 61904, 2.876),
        ("32-particle-3-feature-perminv", 126214.0, 135939, 3.340),
        ("32-particle-3-feature", 45471.5, 45299, 3.325),
        ("64-particle-16-feature-perminv", 169650.5, 192063, 3.730),
        ("64-particle-16-feature", 82985.5, 84326, 3.051),
        ("64-particle-3-feature-perminv", 158211.5, 163904, 3.257),
        ("64-particle-3-feature", 69233, 70704, 3.045),
        ("8-particle-16-feature-perminv", 69071, 71930, 3.212),
        ("8-particle-16-feature", 47642, 51670, 2.781),
        ("8-particle-3-feature-perminv", 129316.0, 136497, 3.303),
        ("8-particle-3-feature", 34161.5, 35684, 2.594),
    )
)


def lut_factors() -> tuple[float, float, float]:
    """Lowest, median and highest LUTs a unit of cost."""
    ratios = [design.lut / design.cost for design in PUBLISHED]
    return min(ratios), median(ratios), max(ratios)
