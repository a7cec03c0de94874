"""FastHisto, floating point and published words, against cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from vertexing_events import made_events

from trigger.tasks.vertexing.fasthisto import associate, emulated_position_cm, float_position_cm

_WIDTH = 2 * 20.46912512 / 256


def _centre(bin: float) -> float:
    return (bin + 0.5) * _WIDTH - 20.46912512


def _track(bin: int, pt: float) -> dict[str, float]:
    return {"pt": pt, "z0": _centre(bin)}


def test_float_takes_the_weighted_mean_of_the_highest_window() -> None:
    events = made_events(
        [
            [_track(100, 5.0), _track(101, 10.0), _track(102, 6.0), _track(200, 20.0)],
            [_track(30, 4.0), _track(90, 4.0)],  # equal: the first
            [],
            [_track(40, 500.0), _track(150, 100.0), _track(151, 100.0)],  # 500 GeV count 127
            [{"pt": 50.0, "z0": 20.6}, _track(7, 3.0)],  # outside of the range
        ],
        [0.0] * 5,
        [0] * 5,
    )
    expected = [_centre((5 * 100 + 10 * 101 + 6 * 102) / 21), _centre(30), 0.0, _centre(150.5), _centre(7)]
    np.testing.assert_allclose(float_position_cm(events), expected, atol=1e-6)


def test_float_variants_weigh_and_bin_differently() -> None:
    events = made_events([[_track(100, 5.0), _track(101, 10.0), _track(102, 6.0), _track(200, 20.0)]], [0.0], [0])
    assert float_position_cm(events, power=2.0)[0] == pytest.approx(_centre(200), abs=1e-6)  # 400 against 161
    single = float_position_cm(events, window=1)[0]
    assert single == pytest.approx(_centre(200), abs=1e-6)


def test_emulation_computes_the_published_words() -> None:
    # heights 10, 20, 11 (whole GeV); numerator 20 + 2 * 11 = 42; 1/41 is 199 / 8192; 42 * 199 = 8358, in 1/1024: 1044
    events = made_events([[_track(100, 10.5), _track(101, 20.5), _track(102, 11.5), _track(200, 40.9)]], [0.0], [0])
    expected = (100 + (512 + 1044) / 1024) * _WIDTH - 20.46912512
    assert emulated_position_cm(events)[0] == pytest.approx(expected, abs=1e-9)


def test_emulated_bins_saturate_and_float_ones_do_not() -> None:
    crowd = [_track(50, 126.0)] * 6  # 756 GeV, held as 511
    pair = [_track(60, 100.5)] * 3 + [_track(61, 100.5)] * 3  # 301 and 301
    events = made_events([crowd + pair], [0.0], [0])
    assert float_position_cm(events)[0] == pytest.approx(_centre(50), abs=1e-6)
    # first window of 602 starts at 59: numerator 301 + 2 * 301, 1/602 is 13 / 8192
    offset = (903 * 13) >> 3
    assert emulated_position_cm(events)[0] == pytest.approx(
        (59 + (512 + offset) / 1024) * _WIDTH - 20.46912512, abs=1e-9
    )


def test_emulation_leaves_invalid_tracks_and_empty_events() -> None:
    events = made_events([[{**_track(20, 90.0), "valid": 0}, _track(220, 3.5)], []], [0.0, 0.0], [0, 0])
    position = emulated_position_cm(events)
    # height 3 in the third place of window 218: 6 * (8192 // 3) >> 3
    assert position[0] == pytest.approx((218 + (512 + ((6 * 2730) >> 3)) / 1024) * _WIDTH - 20.46912512, abs=1e-9)
    assert position[1] == 0.0


def test_association_cuts_by_pseudorapidity() -> None:
    eta = np.array([0.0, 0.69, -0.7, 0.99, 1.1, -1.3, 1.9, 2.3, 2.39, 2.4, 3.0])
    limit = np.array([0.37, 0.37, 0.50, 0.50, 0.60, 0.75, 1.00, 1.60, 1.60, 0.0, 0.0])
    vertex = np.full(len(eta), 1.5)
    np.testing.assert_array_equal(associate(vertex + limit - 0.01, eta, vertex), limit > 0)
    assert not associate(vertex - limit - 0.01, eta, vertex).any()
