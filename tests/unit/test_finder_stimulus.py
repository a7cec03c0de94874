"""The events of a finder's proof reach every rule's corner."""

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.events import FinderEvents, field_words
from firmware.vertex.examples import TRACK_FIELDS, example_events, example_finder
from firmware.vertex.stimulus import finder_stimulus, join_events, make_words, patterns, random_events

SHAPES = [
    {"histogram_bits": 9},
    {"bins": 64, "bins_per_clock": 4, "lanes": 1, "tracks_per_lane": 1, "histogram_bits": 7},
    {"bins": 4096, "bins_per_clock": 64, "lanes": 3, "tracks_per_lane": 40, "histogram_bits": 9},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_patterns_reach_every_rule(shape):
    finder = example_finder(4, **shape)
    events = patterns(finder)
    outputs, trace = FinderEmulator(finder).trace(events)
    count = np.diff(events.start)
    valid = field_words(events.words, finder.fields["valid"]) == 1
    assert (count == 0).sum() > 5
    assert (count == 1).sum() > 50
    assert (~valid).any()
    assert outputs.truncated.sum() >= 6
    assert (~outputs.truncated).sum() > 50
    assert set(events.lane) == set(range(finder.lanes))
    kept_lanes = np.bincount(events.event[outputs.kept] * finder.lanes + events.lane[outputs.kept])
    assert kept_lanes.max() == finder.tracks_per_lane
    largest = trace.pattern.max(axis=1, keepdims=True)
    ties = (trace.pattern == largest).sum(axis=1)
    assert ((ties == 2) & (largest[:, 0] > 0)).sum() >= min(5, finder.lanes * finder.tracks_per_lane - 1)
    for name in ("z0", "rinv", "tanl"):
        word = field_words(events.words, finder.fields[name])
        width = finder.fields[name].width
        assert {-(1 << (width - 1)), -1, 0, (1 << (width - 1)) - 1} <= set(word.tolist())
    bins = (field_words(events.words, finder.z0) + 2048) >> finder.bin_shift
    half, row = finder.bins // 2, finder.bins_per_clock
    assert {0, 1, row - 1, row, half - 1, half, finder.bins - 1} <= set(bins.tolist())
    if finder.lanes * finder.tracks_per_lane > 1:
        assert (trace.histogram == finder.histogram.highest).any()
        assert {0, finder.distance_format.highest} <= set(trace.distance[outputs.kept].tolist())


def test_random_events_are_of_all_kinds():
    finder = example_finder(0)
    events = random_events(finder, 400, seed=1)
    outputs = FinderEmulator(finder).run(events)
    count = np.diff(events.start)
    assert (count == 0).sum() > 20
    assert ((count > 0) & (count < 6)).sum() > 20
    assert (count > 300).sum() > 20
    assert 20 < outputs.truncated.sum() < 200
    assert 0.01 < 1 - outputs.kept.mean() < 0.2
    words = np.bitwise_or.reduce(events.words, axis=0), np.bitwise_and.reduce(events.words, axis=0)
    assert words[0].tolist() == [2**32 - 1] * 3
    assert words[1].tolist() == [0] * 3


def test_the_same_seed_gives_the_same_events():
    finder = example_finder(0)
    one, other, third = (finder_stimulus(finder, n_events=300, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.events.words, other.events.words)
    np.testing.assert_array_equal(one.events.lane, other.events.lane)
    assert not np.array_equal(one.events.start, third.events.start)


@pytest.mark.parametrize("n_events", [1, 2, 30, 1000])
def test_as_many_events_as_asked_for(n_events):
    finder = example_finder(0)
    stimulus = finder_stimulus(finder, n_events=n_events)
    assert len(stimulus.events) == n_events == sum(stimulus.kinds.values())


def test_study_and_given_events():
    finder = example_finder(0)
    study = example_events(finder, 500)
    stimulus = finder_stimulus(finder, n_events=1000, study=study)
    first = stimulus.kinds["patterns"]
    assert stimulus.kinds["study"] == (1000 - first) // 2
    assert stimulus.kind_of(0) == "patterns"
    assert stimulus.kind_of(first) == "study"
    assert stimulus.kind_of(999) == "random"
    one = stimulus.events.take(first + 3, first + 4)
    np.testing.assert_array_equal(one.words, study.take(3, 4).words)
    given = finder_stimulus(finder, n_events=10, study=study, events=study.take(0, 20))
    assert dict(given.kinds) == {"given": 20}
    with pytest.raises(IndexError):
        given.kind_of(20)


def test_bad_requests_are_refused():
    finder = example_finder(0, lanes=2)
    with pytest.raises(UserError, match="number of events must be at least 1, not 0"):
        finder_stimulus(finder, n_events=0)
    wrong = FinderEvents(np.array([0, 1]), np.array([2]), np.zeros((1, 3), np.uint32))
    with pytest.raises(UserError, match="lane of track 0 must be 0 to 1, not 2"):
        finder_stimulus(finder, n_events=10, events=wrong)


def test_words_hold_their_fields():
    finder = example_finder(0)
    random = np.random.default_rng(0)
    values = {
        name: random.integers(-(1 << (f.width - 1)), 1 << (f.width - 1), 50) if f.signed
        else random.integers(0, 1 << f.width, 50)
        for name, f in TRACK_FIELDS.items()
    }  # fmt: skip
    words = make_words(finder, values, 50)
    for name, field in TRACK_FIELDS.items():
        np.testing.assert_array_equal(field_words(words, field), values[name])
    assert (field_words(make_words(finder, {}, 3), TRACK_FIELDS["valid"]) == 1).all()


def test_joined_events():
    finder = example_finder(0)
    one, other = example_events(finder, 3, 1), example_events(finder, 4, 2)
    both = join_events([one, other])
    assert len(both) == 7
    np.testing.assert_array_equal(both.take(3, 7).words, other.words)
    np.testing.assert_array_equal(both.take(3, 7).start, other.start)
