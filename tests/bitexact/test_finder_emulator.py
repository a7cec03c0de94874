"""The fast emulator against the slow reference on random finders, and both seen to differ where a fault is planted."""

from dataclasses import fields, replace

import numpy as np
import pytest

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Conv1D, Dense
from firmware.vertex import emulate as emulate_module
from firmware.vertex.blocks import first_block
from firmware.vertex.compare import compare_outputs
from firmware.vertex.emulate import FinderEmulator, emulate_finder
from firmware.vertex.events import FinderOutputs
from firmware.vertex.examples import example_events, example_finder
from firmware.vertex.finder import Feature
from firmware.vertex.reference import evaluate_blocks
from firmware.vertex.stimulus import finder_stimulus, join_events, random_events

SHAPES = [
    {},
    {"bins": 64, "bins_per_clock": 4, "lanes": 1, "tracks_per_lane": 100, "kernel_size": 1, "histogram_bits": 8},
    {"bins": 128, "bins_per_clock": 64, "lanes": 2, "tracks_per_lane": 1, "kernel_size": 7},
    {"bins": 512, "bins_per_clock": 32, "lanes": 9, "tracks_per_lane": 5, "kernel_size": 5, "histogram_bits": 9},
    {"bins": 256, "bins_per_clock": 8, "lanes": 64, "tracks_per_lane": 2, "units": 3, "association_units": 4},
    {"bins": 4096, "bins_per_clock": 512, "lanes": 3, "tracks_per_lane": 40, "sparsity": 0.97},
    {"bins": 8, "bins_per_clock": 4, "lanes": 5, "kernel_size": 3, "sparsity": 1.0},
]


def all_equal(one: FinderOutputs, other: FinderOutputs) -> None:
    for field in fields(FinderOutputs):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def few_events(finder, seed):
    """Every pattern thinned, and random words; few tracks, for the reference is slow."""
    patterns = finder_stimulus(finder, n_events=40, seed=seed).events.take(0, 20)
    return join_events([patterns, random_events(finder, 25, seed, mean_tracks=40)])


@pytest.mark.parametrize("seed", range(len(SHAPES)))
def test_emulator_is_the_reference(seed):
    finder = example_finder(seed, **SHAPES[seed])
    events = few_events(finder, seed)
    expected, received = evaluate_blocks(finder, events), FinderEmulator(finder).trace(events)
    all_equal(received[0], expected[0])
    assert first_block(expected, received) is None
    assert compare_outputs(finder, events, expected[0], received[0]).mismatches == 0


def test_full_events_of_the_published_shape():
    finder = example_finder(11)
    events = example_events(finder, 40, seed=3)
    all_equal(emulate_finder(finder, events), evaluate_blocks(finder, events)[0])


def test_chunks_tables_and_threads_do_not_matter(monkeypatch):
    finder = example_finder(2, lanes=4)
    events = example_events(finder, 200, seed=1, mean_tracks=30)
    whole = FinderEmulator(finder).trace(events)
    monkeypatch.setattr(emulate_module, "_CHUNK_EVENTS", 7)
    monkeypatch.setattr(emulate_module, "_CHUNK_TRACKS", 50)
    monkeypatch.setattr(emulate_module, "_TABLE_BITS", 0)
    pieces = FinderEmulator(finder).trace(events, threads=1)
    all_equal(pieces[0], whole[0])
    assert first_block(whole, pieces) is None


def test_an_event_larger_than_a_chunk(monkeypatch):
    finder = example_finder(2)
    events = example_events(finder, 4, seed=5)
    whole = emulate_finder(finder, events)
    monkeypatch.setattr(emulate_module, "_CHUNK_TRACKS", 10)
    all_equal(emulate_finder(finder, events), whole)


def changed_layer(network, change):
    """The network with the first weight of its last weighted layer changed."""
    layers = list(network.layers)
    place = max(i for i, layer in enumerate(layers) if isinstance(layer, Dense | Conv1D))
    kernel = layers[place].kernel.copy()
    kernel.flat[int(np.flatnonzero(kernel)[0])] += change
    layers[place] = replace(layers[place], kernel=kernel)
    return replace(network, layers=tuple(layers))


def changed_table(finder):
    first, *rest = finder.features
    table = np.roll(first.table, 1)
    changed = Feature(name=first.name, field=first.field, shift=first.shift, format=first.format, table=table)
    return replace(finder, features=(changed, *rest))


def wider_histogram(finder):
    """The same, but for saturation."""
    histogram = FixedPoint(20, 13, signed=False)
    port, layer = finder.pattern.layers
    pattern = replace(finder.pattern, layers=(replace(port, format=histogram), layer))
    return replace(finder, histogram=histogram, pattern=pattern)


FAULTS = {
    "lanes": lambda finder: replace(finder, tracks_per_lane=finder.tracks_per_lane - 1),
    "features": changed_table,
    "weight": lambda finder: replace(finder, weight=changed_layer(finder.weight, -7)),
    "histogram": wider_histogram,
    "pattern": lambda finder: replace(finder, pattern=changed_layer(finder.pattern, -30)),
    "distance": lambda finder: replace(finder, distance_shift=1),
    "association": lambda finder: replace(finder, association=changed_layer(finder.association, 5)),
}


@pytest.mark.parametrize("block", FAULTS)
def test_a_fault_is_found_and_named(block):
    finder = example_finder(0, lanes=6, tracks_per_lane=12, histogram_bits=8)
    events = few_events(finder, 8)
    faulty = FinderEmulator(FAULTS[block](finder)).trace(events)
    expected = evaluate_blocks(finder, events)
    assert first_block(expected, faulty) == block
    assert compare_outputs(finder, events, expected[0], faulty[0]).mismatches > 0


@pytest.mark.parametrize("order", [np.arange(256), np.lexsort((-np.arange(256), np.abs(2 * np.arange(256) - 255)))])
def test_another_tie_rule_is_found(order, monkeypatch):
    finder = example_finder(1)
    events = few_events(finder, 8)
    monkeypatch.setattr(emulate_module, "_preference", lambda bins: order)
    assert first_block(evaluate_blocks(finder, events), FinderEmulator(finder).trace(events)) == "argmax"
