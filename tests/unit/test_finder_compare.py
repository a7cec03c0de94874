"""Comparing finders' outputs: the count, the first word, and what it says of the block."""

from dataclasses import replace

import numpy as np
import pytest

from firmware.vertex.blocks import first_block, likely_block
from firmware.vertex.compare import compare_outputs, count_words, located, outputs_of
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.examples import example_events, example_finder
from firmware.vertex.stimulus import FinderStimulus

FINDER = example_finder(0, lanes=4, tracks_per_lane=20)
EVENTS = example_events(FINDER, 12, seed=3, mean_tracks=40)
OUTPUTS, TRACE = FinderEmulator(FINDER).trace(EVENTS)


def changed(name, places, by=1):
    array = getattr(OUTPUTS, name).copy()
    array[places] = ~array[places] if array.dtype == np.bool_ else array[places] + by
    return replace(OUTPUTS, **{name: array})


def test_nothing_differs():
    found = compare_outputs(FINDER, EVENTS, OUTPUTS, OUTPUTS)
    assert (found.mismatches, found.first, found.problems) == (0, None, ())
    assert count_words(EVENTS) == 3 * len(EVENTS.words) + 4 * len(EVENTS)


def test_the_first_track_that_differs_is_named():
    event = 5
    lane_tracks = np.flatnonzero((EVENTS.event == event) & (EVENTS.lane == 2))
    track = int(lane_tracks[3])
    later = int(EVENTS.start[8])
    found = compare_outputs(FINDER, EVENTS, OUTPUTS, changed("association", [track, later], by=7))
    assert found.mismatches == 2
    assert found.differs[[event, 8]].all()
    assert (found.first.event, found.first.output, found.first.index) == (event, "association", (2, 3))
    assert found.first.received - found.first.expected == 7
    stimulus = FinderStimulus(EVENTS, {"given": 12})
    told = located(found.first, stimulus, event, lambda one: "association")
    assert told.kind == "given"
    assert told.first_layer == "association"
    assert len(told.inputs["track_word"]) == len(told.inputs["lane"]) == EVENTS.start[event + 1] - EVENTS.start[event]
    assert told.inputs["track_word"][0] == "".join(f"{part:08x}" for part in EVENTS.words[EVENTS.start[event]][::-1])
    assert "event 5 (given), association[2, 3]" in str(told)


@pytest.mark.parametrize("name", ["truncated", "bin", "z0", "peak"])
def test_a_vertex_that_differs_is_named(name):
    found = compare_outputs(FINDER, EVENTS, OUTPUTS, changed(name, [4, 9]))
    assert found.mismatches == 2
    assert (found.first.event, found.first.output, found.first.index) == (4, name, ())


def test_the_earliest_block_of_an_event_is_named_first():
    both = replace(changed("association", slice(None)), bin=OUTPUTS.bin + 1)
    assert compare_outputs(FINDER, EVENTS, OUTPUTS, both).first.output == "bin"
    only = compare_outputs(FINDER, EVENTS, OUTPUTS, both, ("association",))
    assert only.first.output == "association"


def test_arrays_of_another_length_are_a_problem():
    short = replace(OUTPUTS, bin=OUTPUTS.bin[:-1])
    found = compare_outputs(FINDER, EVENTS, OUTPUTS, short)
    assert found.mismatches == len(EVENTS)
    assert found.problems == ("bin must be given 12 times, not 11",)


BUSY = int(np.argmax(np.diff(EVENTS.start)))
ONE = EVENTS.take(BUSY, BUSY + 1)
ONE_OUTPUTS, ONE_TRACE = FinderEmulator(FINDER).trace(ONE)


def test_outputs_of_one_event():
    assert first_block((ONE_OUTPUTS, ONE_TRACE), (outputs_of(EVENTS, OUTPUTS, BUSY), ONE_TRACE)) is None


def other_bin():
    bin = (ONE_OUTPUTS.bin + 100) % FINDER.bins
    return replace(ONE_OUTPUTS, bin=bin, z0=FINDER.centre(bin), peak=ONE_TRACE.pattern[0, bin])


@pytest.mark.parametrize(("received", "block"), [
    (ONE_OUTPUTS, None),
    (replace(ONE_OUTPUTS, kept=~ONE_OUTPUTS.kept), "lanes"),
    (replace(ONE_OUTPUTS, truncated=~ONE_OUTPUTS.truncated), "lanes"),
    (replace(ONE_OUTPUTS, weight=ONE_OUTPUTS.weight + 1), "features or weight"),
    (replace(ONE_OUTPUTS, peak=ONE_OUTPUTS.peak + 1), "histogram or pattern"),
    (replace(ONE_OUTPUTS, peak=ONE_OUTPUTS.peak + 1, weight=0 * ONE_OUTPUTS.weight - 1),
     "features, weight, histogram or pattern"),
    (other_bin(), "argmax"),
    (replace(ONE_OUTPUTS, z0=ONE_OUTPUTS.z0 + 1), "argmax"),
    (replace(ONE_OUTPUTS, association=ONE_OUTPUTS.association + 1), "distance or association"),
])  # fmt: skip
def test_what_outputs_alone_tell(received, block):
    assert likely_block(ONE_OUTPUTS, ONE_TRACE, received) == block


@pytest.mark.parametrize("name", ["histogram", "pattern", "distance"])
def test_words_between_blocks_count(name):
    other = replace(ONE_TRACE, **{name: getattr(ONE_TRACE, name) + 1})
    assert first_block((ONE_OUTPUTS, ONE_TRACE), (ONE_OUTPUTS, other)) == name
