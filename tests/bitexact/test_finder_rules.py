"""Every rule of the finder on a case computed by hand: the emulator and the slow reference alike."""

import numpy as np
import pytest
from finder_cases import event, hand_finder

from firmware.errors import UserError
from firmware.vertex.emulate import emulate_finder
from firmware.vertex.events import FinderEvents
from firmware.vertex.reference import evaluate_finder
from firmware.vertex.stimulus import join_events


@pytest.fixture(params=[emulate_finder, evaluate_finder], ids=["emulator", "reference"])
def run(request):
    return request.param


def test_one_track(run):
    finder = hand_finder()
    out = run(finder, event(finder, (0, 20, 5, -3)))
    # z0 = 20 lies in bin (20 + 128) // 16 = 9, whose centre is 9 * 16 + 8 - 128 = 24; 2 * 5 there.
    assert (out.bin.tolist(), out.z0.tolist(), out.peak.tolist()) == ([9], [24], [10])
    assert out.weight.tolist() == [5]
    # The magnitude of s = -3 is 2, so t = 20; the distance is 4.
    assert out.association.tolist() == [16]
    assert (out.kept.tolist(), out.truncated.tolist()) == ([True], [False])


def test_a_lane_keeps_its_first_tracks(run):
    finder = hand_finder()
    tracks = [(0, -100, 1)] * 3 + [(0, 100, 7), (1, 100, 1), (0, 100, 7)]
    out = run(finder, event(finder, *tracks))
    assert out.kept.tolist() == [True, True, True, False, True, False]
    assert out.truncated.tolist() == [True]
    assert (out.bin.tolist(), out.peak.tolist()) == ([1], [6])
    assert out.weight.tolist() == [1, 1, 1, 0, 1, 0]
    assert out.association[[3, 5]].tolist() == [0, 0]


def test_words_that_are_not_valid_do_not_count(run):
    finder = hand_finder()
    tracks = [(0, 100, 7, 0, 0), *[(0, -100, 1)] * 3, (0, 100, 7, 0, 0)]
    out = run(finder, event(finder, *tracks))
    assert out.kept.tolist() == [False, True, True, True, False]
    assert out.truncated.tolist() == [False]
    assert (out.bin.tolist(), out.peak.tolist()) == ([1], [6])


def test_every_event_starts_with_empty_lanes_and_bins(run):
    finder = hand_finder()
    full = event(finder, *[(0, -100, 1)] * 4)
    out = run(finder, join_events([full, event(finder, (0, 100, 2)), full]))
    assert out.bin.tolist() == [1, 14, 1]
    assert out.peak.tolist() == [6, 4, 6]
    assert out.truncated.tolist() == [True, False, True]


def test_bins_saturate(run):
    finder = hand_finder(histogram_bits=4)
    out = run(finder, event(finder, (0, -100, 7), (0, -100, 7), (1, -100, 7), (1, 50, 7), (1, 50, 7)))
    # 21 saturates at 15, 14 does not.
    assert (out.bin.tolist(), out.peak.tolist()) == ([1], [30])


@pytest.mark.parametrize(("z0", "bin"), [(-128, 0), (-113, 0), (-112, 1), (0, 8), (-1, 7), (127, 15)])
def test_edges_of_bins(run, z0, bin):
    finder = hand_finder()
    out = run(finder, event(finder, (1, z0, 3)))
    assert (out.bin.tolist(), out.z0.tolist(), out.peak.tolist()) == ([bin], [16 * bin - 120], [6])


def test_nothing_lies_beyond_the_ends(run):
    finder = hand_finder(kernel=(3, 1, 3))
    # Bin 1 sees bin 0, and so has 3 * 2; bin 0 itself has 2, and nothing comes around from bin 15.
    out = run(finder, event(finder, (0, -128, 2), (1, 127, 1)))
    assert (out.bin.tolist(), out.peak.tolist()) == ([1], [6])


@pytest.mark.parametrize(
    ("bins", "wins"),
    [([7, 8], 7), ([6, 9], 6), ([6, 8], 8), ([0, 15], 0), ([2, 5], 5), ([9, 12], 9), ([1, 13], 13), ([3, 11], 11)],
)
def test_of_equal_bins_the_one_nearest_the_middle_wins(run, bins, wins):
    finder = hand_finder(kernel=(1,))
    out = run(finder, event(finder, *[(i % 2, 16 * bin - 128, 4) for i, bin in enumerate(bins)]))
    assert out.bin.tolist() == [wins]


def test_an_event_without_tracks_has_its_vertex_in_the_middle(run):
    finder = hand_finder()
    out = run(finder, event(finder))
    assert (out.bin.tolist(), out.z0.tolist(), out.peak.tolist(), out.truncated.tolist()) == ([7], [-8], [0], [False])
    assert len(out.kept) == 0


def test_a_result_may_be_negative(run):
    finder = hand_finder(kernel=(-1,))
    out = run(finder, event(finder, (0, -8, 3), (1, 8, 3)))
    # Bins 7 and 8 are at -3; the nearest of the empty ones is 6.
    assert (out.bin.tolist(), out.peak.tolist()) == ([6], [0])


@pytest.mark.parametrize(("s", "t"), [(0, 0), (7, 70), (-1, 0), (-2, 10), (-8, 70)])
def test_a_signed_field_counts_by_its_magnitude(run, s, t):
    finder = hand_finder()
    out = run(finder, event(finder, (0, 24, 1, s)))
    assert out.association.tolist() == [t]


@pytest.mark.parametrize(("z0", "shift", "distance"), [
    (24, 0, 0), (31, 0, 7), (20, 0, 4), (39, 0, 15), (41, 0, 15), (-128, 0, 15), (127, 0, 15),
    (25, 2, 0), (31, 2, 1), (17, 2, 1), (-37, 2, 15), (-128, 2, 15),
])  # fmt: skip
def test_distance_saturates(run, z0, shift, distance):
    finder = hand_finder(distance_shift=shift)
    out = run(finder, event(finder, (0, 16, 7), (1, z0, 1)))
    assert out.z0.tolist() == [24]
    assert out.association[1] == -distance


def test_no_events(run):
    finder = hand_finder()
    out = run(finder, event(finder).take(0, 0))
    assert (len(out.bin), len(out.truncated), len(out.kept)) == (0, 0, 0)


def test_events_that_cannot_enter_are_refused(run):
    finder = hand_finder()
    with pytest.raises(UserError, match="lane of track 1 must be 0 to 1, not 2"):
        run(finder, event(finder, (0, 0, 1), (2, 0, 1)))
    with pytest.raises(UserError, match="must have 1 words of 32 bits, not 3"):
        run(finder, FinderEvents(np.array([0, 1]), np.array([0]), np.zeros((1, 3), np.uint32)))
