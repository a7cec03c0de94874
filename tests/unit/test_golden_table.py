"""Distances of words, digests of layers, and the table and the JUnit file of a check."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from firmware.golden.outcome import GoldenOutcome, Row
from firmware.golden.table import junit_of, table_of
from firmware.golden.values import Values, compare_values, digest, digest_of_reals

GOLDEN = Values({"a": np.array([[1, 2], [3, 4], [5, 6]]), "b": np.array([0, 0, 8])}, {"a": 1, "b": 0}, 3)


def changed(name, place, word, **fractions):
    words = {key: array.copy() for key, array in GOLDEN.words.items()}
    words[name][place] = word
    return Values(words, {**GOLDEN.fractions, **fractions}, 3)


def test_the_same_words_have_not_moved():
    assert compare_values(GOLDEN, GOLDEN).moved == 0


def test_the_largest_and_the_first_difference():
    words = {"a": np.array([[1, 2], [3, 9], [5, 6]]), "b": np.array([0, -7, 8])}
    moved = compare_values(GOLDEN, Values(words, GOLDEN.fractions, 3))
    assert (moved.moved, moved.events, moved.lsb, moved.event) == (1, 3, -7, 1)
    assert moved.text == "event 1, a[1]: golden 4, now 9"


def test_words_of_another_format_are_compared_by_value():
    same = Values({"a": GOLDEN.words["a"] * 4, "b": GOLDEN.words["b"]}, {"a": 3, "b": 0}, 3)
    assert compare_values(GOLDEN, same).moved == 0
    assert compare_values(GOLDEN, changed("a", (0, 0), 1, a=2)).moved == 3


@pytest.mark.parametrize("words", [{"a": GOLDEN.words["a"]}, {**GOLDEN.words, "c": np.zeros(3, np.int64)},
                                   {"a": GOLDEN.words["a"][:2], "b": GOLDEN.words["b"]}])  # fmt: skip
def test_other_outputs_move_everything(words):
    moved = compare_values(GOLDEN, Values(words, dict.fromkeys(words, 0), 3))
    assert moved.moved == 3
    assert "output" in moved.text


def test_a_track_moves_its_event():
    owner = {"t": np.array([0, 0, 2])}
    golden = Values({"t": np.array([5, 6, 7])}, {"t": 0}, 3, owner)
    now = Values({"t": np.array([5, 6, 9])}, {"t": 0}, 3, owner)
    moved = compare_values(golden, now)
    assert (moved.moved, moved.event, moved.lsb) == (1, 2, 2)
    assert "track 2" in moved.text


def test_digests_are_of_values_and_not_of_formats():
    words = np.array([[4, -8], [12, 0]])
    assert digest(words, 3) == digest(words // 4, 1) == digest_of_reals(words / 8, 5)
    assert digest(words, 3) != digest(words, 2)
    assert digest(words, 3) != digest(words.T, 3)
    assert digest(np.zeros(2, np.int64), 3) == digest(np.zeros(2, np.int64), 0)
    assert digest_of_reals(words / 8, 0) != digest(words, 3)


FAILED = GoldenOutcome(
    "net",
    (
        Row("model", True, 0, 10, 0),
        Row("hls", False, 4, 10, -3, "hidden", "event 1, out: golden 3, now 0"),
        Row("qkeras", True, 0, 10, 0),
        Row("lut", False, text="7, exceeds the budget of 5 by 2\x07"),
        Row("versions", True, text="hls4ml 1.3.0 -> 9", note=True),
    ),
    {"hls4ml": ("1.3.0", "9")},
)


def test_the_table_says_what_moved_first_and_which_versions_differ():
    lines = table_of([FAILED])
    row = next(line for line in lines if " hls " in line)
    assert row.split()[:8] == ["net", "hls", "MOVED", "4", "of", "10", "-3", "hidden"]
    assert "net: first to move: hls, layer hidden, 4 of 10 events, by up to -3 LSB" in lines
    assert any("versions that differ" in line and "hls4ml 1.3.0 -> 9" in line for line in lines)
    assert not FAILED.passed
    assert FAILED.to_json()["first_moved"] == {"rung": "hls", "layer": "hidden"}


def test_junit_has_a_case_a_row():
    root = ElementTree.fromstring(junit_of([FAILED]))
    suite = root.find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("5", "2")
    assert [case.get("name") for case in suite if case.find("failure") is not None] == ["hls", "lut"]


def test_nothing_compared_is_no_pass():
    assert not GoldenOutcome("net", (Row("lut", True, text="5"),)).passed
