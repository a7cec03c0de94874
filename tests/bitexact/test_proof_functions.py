"""Operations on pieces say nothing that the same operations on every point do not."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.proof import functions
from firmware.proof.functions import Function, TooWide


def drawn(rng):
    """A partition of a range, and two functions on it, each in pieces and point by point."""
    size = int(rng.integers(2, 60))
    starts = np.union1d([0], rng.integers(0, size, int(rng.integers(1, 8)))).astype(np.int64)
    ends = np.append(starts[1:] - 1, size - 1)
    points = np.arange(size)
    piece = np.searchsorted(starts, points, side="right") - 1
    pairs = []
    for _ in range(2):
        slopes, bases = rng.integers(-3, 4, len(starts)), rng.integers(-40, 40, len(starts))
        slopes[rng.random(len(starts)) < 0.5] = 0
        table = bases[piece] + slopes[piece] * (points - starts[piece])
        pairs.append((Function(bases, bases + slopes * (ends - starts)), Function(table, table)))
    return starts, ends, piece, pairs


def holds(in_pieces, exact, starts, ends, piece):
    """Known pieces are exact at every point, others bound it."""
    known = np.ones(len(starts), bool) if in_pieces.known is None else in_pieces.known
    slope = (in_pieces.last - in_pieces.first) // np.maximum(ends - starts, 1)
    told = in_pieces.first[piece] + slope[piece] * (np.arange(len(piece)) - starts[piece])
    inside = (in_pieces.first[piece] <= exact.first) & (exact.first <= in_pieces.last[piece])
    return bool(np.where(known[piece], told == exact.first, inside).all())


def unsigned(f):
    return functions.slice_bits(f, 0, 0, 7)


OPERATIONS = {
    "combine": lambda f, g, n: functions.combine([(f, n - 3), (g, 2 - n)], n),
    "slice": lambda f, g, n: functions.slice_bits(f, n - 1, 0, 3),
    "signed slice": lambda f, g, n: functions.slice_bits(f, n - 1, -4, 3),
    "relu": lambda f, g, n: functions.relu(f),
    "any": lambda f, g, n: functions.any_bit(functions.slice_bits(f, 0, 0, n + 1)),
    "invert": lambda f, g, n: functions.invert(unsigned(f), 127),
    "and": lambda f, g, n: functions.gate(unsigned(f), unsigned(functions.slice_bits(g, n, 0, 7)), 0),
    "or": lambda f, g, n: functions.gate(unsigned(f), unsigned(functions.slice_bits(g, n, 0, 7)), 1),
    "xor": lambda f, g, n: functions.gate(unsigned(f), unsigned(functions.slice_bits(g, n, 0, 7)), 2),
    "mask": lambda f, g, n: functions.gate(
        functions.slice_bits(f, 0, 0, 3), functions.combine([(functions.slice_bits(g, 7, 0, 1), 7)]), n % 3
    ),
    "select": lambda f, g, n: functions.select(functions.slice_bits(g, 7, 0, 1), f, unsigned(f)),
    "chain": lambda f, g, n: functions.relu(
        functions.combine([(functions.slice_bits(f, 1, 0, 4), 1), (functions.slice_bits(f, 7, 0, 1), -16)], n)
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_pieces_hold_at_every_point(name):
    rng = np.random.default_rng(len(name))
    known = 0
    for _ in range(120):
        starts, ends, piece, ((f, f_exact), (g, g_exact)) = drawn(rng)
        n = int(rng.integers(0, 5))
        in_pieces, exact = OPERATIONS[name](f, g, n), OPERATIONS[name](f_exact, g_exact, n)
        assert exact.pointwise
        assert exact.is_known
        assert holds(in_pieces, exact, starts, ends, piece)
        known += in_pieces.is_known
    assert known > 0


def test_the_check_sees_a_wrong_piece():
    starts, ends, piece = np.array([0, 3]), np.array([2, 5]), np.array([0, 0, 0, 1, 1, 1])
    table = np.array([0, 1, 3, 5, 5, 5])
    exact = Function(table, table)
    assert not holds(Function(np.array([0, 5]), np.array([3, 5])), exact, starts, ends, piece)
    bounds = Function(np.array([0, 5]), np.array([3, 5]), np.array([False, True]))
    assert holds(bounds, exact, starts, ends, piece)


def test_what_does_not_fit_is_refused():
    f = Function(np.array([1 << 40]), np.array([1 << 40]))
    with pytest.raises(TooWide):
        functions.combine([(f, 1 << 30)])
    with pytest.raises(TooWide):
        functions.slice_bits(f, -30, 0, 8)
