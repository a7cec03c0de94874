"""The events that a verification uses."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.verify.stimulus import InputPort, check_events, default_stimulus, patterns

UNSIGNED = InputPort("u", (2,), FixedPoint(4, 0, False))
SIGNED = InputPort("s", (2, 1), FixedPoint(3, 2, True))
SYMMETRIC = InputPort("y", (1,), FixedPoint(3, 2, True, symmetric=True))
BINARY = InputPort("b", (2,), FixedPoint.binary_format())


def test_patterns_of_a_small_port_are_the_hand_written_ones():
    found = patterns([InputPort("u", (2,), FixedPoint(2, 0, False))])
    np.testing.assert_array_equal(found["constant"], [[0, 0], [3, 3], [0, 0]])
    np.testing.assert_array_equal(found["one_hot"], [[1, 0], [2, 0], [0, 1], [0, 2]])
    np.testing.assert_array_equal(found["alternating"], [[1, 1], [2, 2], [3, 0], [0, 3]])
    expected = [
        [0, 0], [0, 0], [3, 0], [0, 3],  # others zero: each at its lowest, then each at its highest
        [0, 3], [3, 0], [3, 3], [3, 3],  # others at their highest
        [0, 0], [0, 0], [3, 0], [0, 3],  # others at their lowest
    ]  # fmt: skip
    np.testing.assert_array_equal(found["extremes"], expected)


def test_signed_patterns_use_the_sign_bit():
    found = patterns([InputPort("s", (1,), FixedPoint(3, 2, True))])
    np.testing.assert_array_equal(found["one_hot"], [[1], [2], [-4]])
    np.testing.assert_array_equal(found["alternating"][:2], [[-3], [2]])


def test_every_word_is_one_that_the_quantiser_can_give():
    ports = [UNSIGNED, SIGNED, SYMMETRIC, BINARY]
    words = default_stimulus(ports, n_events=2000).words
    for port in ports:
        assert words[port.name].shape == (2000, *port.shape)
        assert words[port.name].min() == port.format.lowest
        assert words[port.name].max() == port.format.highest
    assert set(np.unique(words["b"])) == {-1, 1}
    assert set(np.unique(words["s"])) == set(range(-4, 4))


def test_same_seed_same_events_and_another_seed_others():
    first = default_stimulus([UNSIGNED], n_events=300, seed=1)
    again = default_stimulus([UNSIGNED], n_events=300, seed=1)
    other = default_stimulus([UNSIGNED], n_events=300, seed=2)
    np.testing.assert_array_equal(first.words["u"], again.words["u"])
    assert (first.words["u"] != other.words["u"]).any()


@pytest.mark.parametrize("n_events", [1, 2, 7, 50, 1000])
def test_the_number_of_events_is_the_one_asked_for(n_events):
    study = {"u": np.ones((400, 2), np.int64)}
    stimulus = default_stimulus([UNSIGNED], n_events=n_events, study=study)
    assert stimulus.events == n_events == len(stimulus.words["u"])


def test_study_events_come_in_and_leave_room_for_random_ones():
    study = {"u": np.full((5000, 2), 9)}
    stimulus = default_stimulus([UNSIGNED], n_events=1000, study=study)
    assert stimulus.kinds["study"] > 300
    assert stimulus.kinds["random"] > 300
    event = sum(count for kind, count in list(stimulus.kinds.items())[: list(stimulus.kinds).index("study")])
    assert stimulus.kind_of(event) == "study"
    np.testing.assert_array_equal(stimulus.words["u"][event], [9, 9])


def test_given_events_are_all_used_and_come_first():
    given = {"u": np.arange(60).reshape(30, 2) % 16}
    stimulus = default_stimulus([UNSIGNED], n_events=10, events=given)
    assert stimulus.kinds == {"given": 30}
    np.testing.assert_array_equal(stimulus.words["u"], given["u"])


def test_many_patterns_are_thinned_out_and_none_vanishes():
    port = InputPort("u", (300,), FixedPoint(8, 0, False))
    kinds = default_stimulus([port], n_events=1000).kinds
    assert kinds["constant"] == 3
    assert kinds["alternating"] == 4
    assert kinds["extremes"] > 100
    assert kinds["one_hot"] > 100
    assert kinds["random"] + kinds["random_corners"] == 500


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({"u": np.zeros((3, 2), np.int64)}, "must be given for the inputs"),
        ({"u": np.zeros((3, 3), np.int64), "s": np.zeros((3, 2, 1), np.int64)}, "must have shape"),
        ({"u": np.zeros((3, 2)), "s": np.zeros((3, 2, 1), np.int64)}, "must be integer words"),
        ({"u": np.full((3, 2), 16), "s": np.zeros((3, 2, 1), np.int64)}, r"must be 0 to 15, not 16 \(event 0"),
        ({"u": np.zeros((3, 2), np.int64), "s": np.zeros((4, 2, 1), np.int64)}, "same number of events"),
        ({"u": np.zeros((0, 2), np.int64), "s": np.zeros((0, 2, 1), np.int64)}, "at least 1"),
    ],
)
def test_events_that_do_not_fit_are_refused(events, message):
    with pytest.raises(UserError, match=message):
        check_events([UNSIGNED, SIGNED], events)


def test_no_events_at_all_is_refused():
    with pytest.raises(UserError, match="at least 1"):
        default_stimulus([UNSIGNED], n_events=0)
