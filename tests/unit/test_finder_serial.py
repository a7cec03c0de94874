"""A vertex finder as text: back again unchanged, and damaged text refused."""

import json

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.vertex.emulate import emulate_finder
from firmware.vertex.examples import example_events, example_finder
from firmware.vertex.serial import finder_from_json, finder_to_json


@pytest.fixture(scope="module")
def finder():
    return example_finder(3, bins=64, bins_per_clock=8, lanes=4, tracks_per_lane=9, kernel_size=5)


@pytest.fixture
def data(finder):
    return json.loads(finder_to_json(finder))


def test_text_gives_the_finder_back(finder):
    text = finder_to_json(finder)
    back = finder_from_json(text)
    assert finder_to_json(back) == text
    events = example_events(finder, 30)
    one, other = emulate_finder(finder, events), emulate_finder(back, events)
    np.testing.assert_array_equal(one.association, other.association)
    np.testing.assert_array_equal(one.bin, other.bin)


def test_the_same_finder_gives_the_same_bytes(finder):
    again = example_finder(3, bins=64, bins_per_clock=8, lanes=4, tracks_per_lane=9, kernel_size=5)
    assert finder_to_json(again) == finder_to_json(finder)


def damaged(data, path, value):
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(("path", "value", "says"), [
    (("schema",), "vertex_finder/9", "schema of a vertex finder must be 'vertex_finder/1'"),
    (("extra",), 1, "keys of a vertex finder must be .* check extra"),
    (("bins",), 64.0, "bins must be a whole number, not 64.0"),
    (("bins",), True, "bins must be a whole number, not True"),
    (("bins",), 96, "bins must be a power of two"),
    (("lanes",), 10**30, "lanes must be 1 to 64"),
    (("name",), 7, "name must be text"),
    (("fields",), [], "must be complete"),
    (("fields", "z0", "offset"), 40.5, "offset of a field must be a whole number"),
    (("fields", "z0", "signed"), 1, "signed of a field must be true or false"),
    (("fields", "z0", "colour"), 1, "must be complete"),
    (("fields", "z0", "offset"), -1, "field 'z0' must lie in the 96 bits"),
    (("features", 0, "table", 0), 0.5, "word in the table of feature 'pt' must be a whole number"),
    (("features", 0, "table", 0), 128, "table of feature 'pt' must hold words of 0 to 127"),
    (("features", 0, "table", 0), 2**70, "must be complete"),
    (("features", 0, "table"), [1, 2], "table of feature 'pt' must be int64 of shape"),
    (("features", 0, "field"), "nothing", "field of feature 'pt' must be one of"),
    (("features", 0, "format", "width"), "7", "width of a format must be a whole number"),
    (("histogram", "signed"), True, "format of the histogram must have no sign"),
    (("weight",), None, "schema of a network description"),
    (("pattern", "layers"), 3, "network description must be complete"),
])  # fmt: skip
def test_damaged_text_is_refused(data, path, value, says):
    with pytest.raises(UserError, match=says):
        finder_from_json(damaged(data, path, value))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"schema": "vertex_finder/1"}'])
def test_what_is_no_finder_is_refused(text):
    with pytest.raises(UserError):
        finder_from_json(text)


def test_every_key_is_needed(data):
    for key in list(data):
        with pytest.raises(UserError):
            finder_from_json(json.dumps({name: value for name, value in data.items() if name != key}))
