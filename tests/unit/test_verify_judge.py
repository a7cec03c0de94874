"""Schedules and the verdict on timing, against a pipeline of a few lines."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.verify.judge import judge_timing
from firmware.verify.schedule import make_schedule


def pipeline(schedule, latency, clear=True):
    """Edges at which the last valid register of a chain of ``latency`` is seen high."""
    chain = [False] * latency
    seen = []
    for edge, (valid, rst) in enumerate(zip(schedule.valid, schedule.rst, strict=True)):
        if chain[-1]:
            seen.append(edge)
        chain = [False] * latency if rst and clear else [bool(valid and not rst), *chain[:-1]]
    return np.array(seen, np.int32)


@pytest.mark.parametrize(("latency", "ii"), [(1, 1), (2, 1), (7, 1), (7, 3)])
def test_a_right_pipeline_has_no_problems(latency, ii):
    schedule = make_schedule(50, 120, ii=ii, latency_cycles=latency)
    timing = judge_timing(schedule, pipeline(schedule, latency), latency_cycles=latency, ii=ii)
    assert timing.problems == ()
    assert (timing.latency_cycles, timing.ii, timing.lost) == (latency, ii, 0)
    assert timing.sent == len(timing.rows) == len(timing.captured)
    np.testing.assert_array_equal(timing.captured, np.arange(timing.sent))


def test_events_are_matched_to_their_own_rows():
    schedule = make_schedule(50, 120, ii=1, latency_cycles=4)
    edges = pipeline(schedule, 4)
    timing = judge_timing(schedule, edges, latency_cycles=4, ii=1)
    np.testing.assert_array_equal(timing.rows, schedule.bus[edges[timing.captured] - 4])


def test_the_schedule_goes_back_to_back_then_with_gaps_then_into_resets():
    schedule = make_schedule(50, 120, ii=1, latency_cycles=4)
    sends = np.flatnonzero(schedule.valid & ~schedule.rst)
    assert set(np.diff(sends[:120])) == {1}
    assert len(set(np.diff(sends[(sends > sends[119]) & (sends < schedule.resets_from)]))) > 2
    assert schedule.rst[schedule.resets_from :].sum() > 10
    assert (schedule.valid & schedule.rst).any()
    assert not schedule.rst[2 : schedule.resets_from].any()


def test_all_events_are_driven_if_there_is_room():
    schedule = make_schedule(50, 120, ii=1, latency_cycles=4)
    assert set(schedule.bus[2:122]) == set(range(50))


def test_wrong_latency_is_measured_and_reported():
    schedule = make_schedule(50, 120, ii=1, latency_cycles=4)
    timing = judge_timing(schedule, pipeline(schedule, 5), latency_cycles=4, ii=1)
    assert timing.latency_cycles == 5
    assert any("latency must be 4 cycles as the project states, not 5" in problem for problem in timing.problems)


def test_a_lost_event_and_an_extra_one_are_seen():
    schedule = make_schedule(50, 120, ii=1, latency_cycles=4)
    edges = pipeline(schedule, 4)
    lost = judge_timing(schedule, np.delete(edges, 30), latency_cycles=4, ii=1)
    extra = judge_timing(schedule, np.sort(np.append(edges, 2)), latency_cycles=4, ii=1)
    assert lost.lost == extra.lost == 1
    assert lost.problems
    assert extra.problems


def test_a_reset_that_clears_nothing_is_seen():
    schedule = make_schedule(50, 120, ii=1, latency_cycles=4)
    timing = judge_timing(schedule, pipeline(schedule, 4, clear=False), latency_cycles=4, ii=1)
    assert any("reset should have cleared" in problem for problem in timing.problems)
    assert timing.lost > 0


def test_a_lower_rate_is_seen():
    schedule = make_schedule(50, 120, ii=1, latency_cycles=4)
    edges = pipeline(schedule, 4).copy()
    edges[60:120] += 1
    timing = judge_timing(schedule, edges, latency_cycles=4, ii=1)
    assert timing.latency_cycles is None
    assert any("ii must be 1" in problem for problem in timing.problems)


def test_silence_is_a_failure():
    schedule = make_schedule(50, 120, ii=1, latency_cycles=4)
    timing = judge_timing(schedule, np.array([], np.int32), latency_cycles=4, ii=1)
    assert timing.problems
    assert timing.lost == timing.sent
    assert len(timing.rows) == 0
