"""FixedPoint: ranges, rounding half to even, saturation, all against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint


def _slow(value: Fraction, fmt: FixedPoint) -> int:
    """Round half to even and saturate, in exact rational arithmetic."""
    scaled = value * Fraction(2) ** fmt.fraction
    if fmt.binary:
        return -1 if scaled < 0 else 1
    low = floor(scaled)
    rest = scaled - low
    word = low + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and low % 2 == 1))
    return min(max(word, fmt.lowest), fmt.highest)


@pytest.mark.parametrize(
    ("fmt", "lowest", "highest", "fraction"),
    [
        (FixedPoint.from_quantized_bits(4, 0), -8, 7, 3),
        (FixedPoint.from_quantized_bits(4, 1, symmetric=True), -7, 7, 2),
        (FixedPoint.from_quantized_bits(4, 1, keep_negative=False), 0, 15, 3),
        (FixedPoint.from_quantized_bits(1, 0, keep_negative=False), 0, 1, 1),
        (FixedPoint.from_quantized_bits(1, 3), -1, 1, 0),
        (FixedPoint.from_quantized_relu(6, 2), 0, 63, 4),
        (FixedPoint(5, -2, True), -16, 15, 6),
        (FixedPoint(3, 5, False), 0, 7, -2),
    ],
)
def test_range(fmt: FixedPoint, lowest: int, highest: int, fraction: int) -> None:
    assert (fmt.lowest, fmt.highest, fmt.fraction) == (lowest, highest, fraction)


def test_hls_type_counts_the_sign() -> None:
    assert FixedPoint.from_quantized_bits(6, 1).ap_type == "ap_fixed<6,2,AP_RND_CONV,AP_SAT,0>"
    assert FixedPoint.from_quantized_relu(6, 1).ap_type == "ap_ufixed<6,1,AP_RND_CONV,AP_SAT,0>"
    assert FixedPoint.from_quantized_bits(6, 1, symmetric=True).ap_type.endswith("AP_SAT_SYM,0>")


def test_quantized_bits_arguments_go_back_and_forth() -> None:
    for arguments in [(6, 2, True, False), (6, 2, True, True), (6, 2, False, False), (1, 0, True, False)]:
        assert FixedPoint.from_quantized_bits(*arguments).quantized_bits_arguments == arguments


def test_half_goes_to_even() -> None:
    fmt = FixedPoint.from_quantized_bits(6, 5)  # integers
    values = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999, 2.5001])
    np.testing.assert_array_equal(fmt.quantise(values), [-2, -2, 0, 0, 2, 2, 2, 3])
    np.testing.assert_array_equal(fmt.requantise(np.array([-5, -3, -1, 1, 3, 5]), 1), [-2, -2, 0, 0, 2, 2])


FORMATS = [
    FixedPoint(width, integer, signed, symmetric)
    for width in (2, 3, 7)
    for integer in (-3, 0, 2, 5)
    for signed, symmetric in ((False, False), (True, False), (True, True))
] + [FixedPoint.binary_format(), FixedPoint(1, 1, False)]


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_quantise_and_requantise_equal_exact_rationals(fmt: FixedPoint) -> None:
    words = np.arange(-70, 71)
    for fraction in (-3, 0, 2, 4, 9):
        expected = [_slow(Fraction(int(word)) / Fraction(2) ** fraction, fmt) for word in words]
        np.testing.assert_array_equal(fmt.requantise(words, fraction), expected)
        np.testing.assert_array_equal(fmt.quantise(words * 2.0**-fraction), expected)


def test_a_wrong_rounding_mode_is_seen() -> None:
    fmt = FixedPoint.from_quantized_bits(6, 5)
    words = np.arange(-8, 9)
    half_up = (words + 1) >> 1
    assert (fmt.requantise(words, 1) != half_up).any()


@pytest.mark.parametrize("shift", [0, 1, 30, 61, 62, 63, 64, 70, 200])
def test_far_shifts_neither_wrap_nor_fail(shift: int) -> None:
    fmt = FixedPoint(8, 7, True)  # fraction 0
    words = np.array([-(2**62), -5, -1, 0, 1, 5, 2**62])
    for fraction in (shift, -shift):
        expected = [_slow(Fraction(int(word)) / Fraction(2) ** fraction, fmt) for word in words]
        np.testing.assert_array_equal(fmt.requantise(words, fraction), expected)


def test_infinities_saturate() -> None:
    np.testing.assert_array_equal(FixedPoint(4, 0, True).quantise(np.array([-np.inf, np.inf])), [-8, 7])


@pytest.mark.parametrize(
    ("lowest", "highest"), [(0, 0), (0, 1), (-1, 0), (-8, 7), (-9, 7), (-8, 8), (5, 200), (-300, -7)]
)
def test_holding_is_the_narrowest(lowest: int, highest: int) -> None:
    fmt = FixedPoint.holding(lowest, highest, 3)
    assert fmt.fraction == 3
    assert fmt.lowest <= lowest <= highest <= fmt.highest
    if fmt.width > 1 + fmt.signed:
        narrower = FixedPoint(fmt.width - 1, fmt.integer - 1, fmt.signed)
        assert not narrower.lowest <= lowest <= highest <= narrower.highest


@pytest.mark.parametrize("arguments", [(0, 0, False), (64, 0, True), (1, 0, True)])
def test_impossible_widths_are_refused(arguments: tuple[int, int, bool]) -> None:
    with pytest.raises(UserError, match="must be"):
        FixedPoint(*arguments)


def test_binary_format_is_one_format() -> None:
    with pytest.raises(UserError, match="binary_format"):
        FixedPoint(3, 1, True, binary=True)
