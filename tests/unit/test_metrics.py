"""Metrics on integer words against hand-computed cases and slow references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from trigger.errors import UserError
from trigger.tasks.hgcal.metrics import measure
from trigger.train.intervals import LEVEL, clopper_pearson
from trigger.train.metrics import auc, roc, working_point

_words = st.lists(st.integers(-5, 5), min_size=1, max_size=30).map(lambda values: np.array(values, dtype=np.int64))


@given(_words, _words)
def test_auc_is_the_share_of_ordered_pairs(signal: np.ndarray, background: np.ndarray) -> None:
    pairs = [1.0 if s > b else 0.5 if s == b else 0.0 for s in signal for b in background]
    assert auc(signal, background) == pytest.approx(np.mean(pairs), abs=1e-12)


@given(_words, _words, st.floats(0.01, 1.0))
def test_working_point_is_the_highest_threshold_that_reaches(signal, background, wanted: float) -> None:
    point = working_point(signal, background, wanted)
    assert np.mean(signal >= point.threshold) >= wanted - 1e-9
    above = signal[signal > point.threshold]
    assert len(above) == 0 or np.mean(signal > point.threshold) < wanted
    assert point.signal_efficiency == np.mean(signal >= point.threshold)
    assert point.background_efficiency == np.mean(background >= point.threshold)


def test_working_point_by_hand() -> None:
    signal = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    background = np.array([0, 0, 0, 1, 1, 2, 3, 9])
    point = working_point(signal, background, 0.9)
    assert (point.threshold, point.signal_efficiency, point.background_efficiency) == (2, 0.9, 3 / 8)
    assert point.background_efficiency_low < 3 / 8 < point.background_efficiency_high


def test_ties_are_not_interpolated() -> None:
    """All signal on one word: 97.5% cannot be met closely, so everything on that word is let through."""
    point = working_point(np.full(1000, 7), np.r_[np.full(50, 7), np.full(50, 3)], 0.975)
    assert (point.signal_efficiency, point.background_efficiency) == (1.0, 0.5)


def test_constant_network_rejects_nothing() -> None:
    found = measure(np.zeros(100, dtype=np.int64), np.arange(100) < 50, np.full(100, 2.0))
    assert found["inclusive"].auc == 0.5
    assert {point.background_efficiency for point in found["inclusive"].working_points} == {1.0}


def test_regions() -> None:
    random = np.random.default_rng(3)
    words, is_signal = random.integers(0, 50, 4000), random.random(4000) < 0.5
    words = words + 10 * is_signal
    eta = random.choice([-1, 1], 4000) * random.uniform(1.5, 3.0, 4000)
    eta[:3] = [1.5, -2.7, np.nan]
    found = measure(words, is_signal, eta)
    assert list(found) == ["inclusive", "low_eta", "high_eta"]
    low = (np.abs(eta) >= 1.5) & (np.abs(eta) < 2.7)
    assert found["low_eta"].signal_events == np.count_nonzero(low & is_signal)
    assert found["low_eta"].auc == auc(words[low & is_signal], words[low & ~is_signal])
    both = found["low_eta"].signal_events + found["high_eta"].signal_events
    assert both == np.count_nonzero(is_signal & ~np.isnan(eta))
    wanted = [point.wanted_signal_efficiency for point in found["inclusive"].working_points]
    assert wanted == [0.9, 0.95, 0.975, 0.995]


def test_region_without_both_classes_is_left_out() -> None:
    found = measure(np.arange(10), np.arange(10) < 5, np.full(10, np.nan))
    assert list(found) == ["inclusive"]


@pytest.mark.parametrize("is_signal", [np.array([], dtype=bool), np.ones(4, dtype=bool), np.zeros(4, dtype=bool)])
def test_one_class_is_refused(is_signal: np.ndarray) -> None:
    with pytest.raises(UserError, match="must hold signal and background events"):
        measure(np.zeros(len(is_signal), dtype=np.int64), is_signal, np.zeros(len(is_signal)))


@pytest.mark.parametrize(("passed", "total"), [(0, 10), (1, 10), (5, 10), (10, 10), (37, 400)])
def test_clopper_pearson_against_its_definition(passed: int, total: int) -> None:
    """At the lower end, that many or more events have the tail's probability; at the upper end, that many or fewer."""
    low, high = (float(edge) for edge in clopper_pearson(passed, total))
    tail = (1 - LEVEL) / 2
    assert low == 0.0 if passed == 0 else binom.sf(passed - 1, total, low) == pytest.approx(tail)
    assert high == 1.0 if passed == total else binom.cdf(passed, total, high) == pytest.approx(tail)


def test_clopper_pearson_without_events() -> None:
    assert [float(edge) for edge in clopper_pearson(0, 0)] == [0.0, 1.0]


def test_roc_goes_through_the_working_points() -> None:
    random = np.random.default_rng(4)
    is_signal = random.random(5000) < 0.4
    words = random.integers(0, 60, 5000) + 20 * is_signal
    curve = roc(words, is_signal)
    assert (np.diff(curve["signal_efficiency"]) >= 0).all()
    point = working_point(words[is_signal], words[~is_signal], 0.95)
    at = np.flatnonzero(curve["threshold"] == point.threshold)[0]
    for name in ("signal_efficiency", "background_efficiency", "background_efficiency_low"):
        assert curve[name][at] == pytest.approx(getattr(point, name), abs=1e-12)


def test_long_roc_is_thinned() -> None:
    random = np.random.default_rng(4)
    is_signal = random.random(20_000) < 0.5
    curve = roc(random.integers(0, 1_000_000, 20_000) + 200_000 * is_signal, is_signal, points=100)
    assert len(curve["threshold"]) <= 100
    assert curve["signal_efficiency"][-1] == 1.0
    assert np.abs(np.diff(curve["signal_efficiency"])).max() < 0.03
