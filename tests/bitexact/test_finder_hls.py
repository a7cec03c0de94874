"""The finder's HLS, compiled and run, computes the emulator's integers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import finder_hls_cases as cases
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from firmware.errors import UserError
from firmware.settings import FirmwareSettings
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.events import FinderEvents, FinderOutputs
from firmware.vertex.examples import example_events
from firmware.vertex.finder import VertexFinder
from firmware.vertex.hls import FinderCSimulation, build, write_finder_hls
from firmware.vertex.reference import evaluate_finder

Built = tuple[VertexFinder, FinderCSimulation]
OUTPUTS = ("kept", "truncated", "weight", "bin", "z0", "peak", "association")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """All of them loaded at once, under the same names: their symbols must not meet."""
    made = {}
    for case in (cases.published, cases.saturating, cases.odd):
        finder = case()
        folder = tmp_path_factory.mktemp(case.__name__)
        write_finder_hls(finder, cases.models(finder), folder / "hls", FirmwareSettings(), name="vertex_finder")
        made[case.__name__] = finder, build(folder / "hls", folder / "lib", optimise="-O1")
    return made


def assert_same(found: FinderOutputs, expected: FinderOutputs) -> None:
    for name in OUTPUTS:
        assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


def test_published_shape(built: dict[str, Built]) -> None:
    finder, simulation = built["published"]
    events = example_events(finder, 300, seed=5)
    expected = FinderEmulator(finder).run(events)
    assert expected.truncated.any()
    assert_same(simulation.predict(events), expected)
    corners = cases.events(finder, 0)
    assert_same(simulation.predict(corners), FinderEmulator(finder).run(corners))


@pytest.mark.parametrize("name", ["saturating", "odd"])
def test_every_corner(built: dict[str, Built], name: str) -> None:
    finder, simulation = built[name]
    events = cases.events(finder, 150)
    expected = evaluate_finder(finder, events)
    blocks = simulation.blocks(events)
    assert (np.diff(events.start) == 0).any()
    assert 0 < expected.truncated.sum() < len(events)
    assert 0 < expected.kept.sum() < len(events.lane)
    assert (blocks.histogram == finder.histogram.highest).any()
    assert len(np.unique(expected.association[expected.kept])) > 3
    assert_same(simulation.predict(events), expected)


def test_ties(built: dict[str, Built]) -> None:
    finder, simulation = built["odd"]
    events = cases.events(finder, 400, seed=2)
    pattern = simulation.blocks(events).pattern
    bins, middle = np.arange(finder.bins), (finder.bins - 1) / 2
    equal = pattern == pattern.max(axis=1, keepdims=True)
    assert (equal.sum(axis=1) > 1).sum() > 20
    mirrored = equal & equal[:, ::-1]
    assert mirrored.any(axis=1).sum() > 5
    by_hand = [min(bins[row], key=lambda bin: (abs(bin - middle), bin)) for row in equal]
    assert_array_equal(simulation.predict(events).bin, by_hand)


@pytest.mark.parametrize("name", ["saturating", "odd"])
def test_words_between_the_blocks(built: dict[str, Built], name: str) -> None:
    finder, simulation = built[name]
    events = cases.events(finder, 50, seed=1)
    outputs, trace = FinderEmulator(finder).trace(events)
    blocks = simulation.blocks(events)
    assert_array_equal(blocks.weight, outputs.weight)
    assert_array_equal(blocks.histogram, trace.histogram)
    assert_array_equal(blocks.pattern, trace.pattern)


def test_associated(built: dict[str, Built]) -> None:
    for finder, simulation in built.values():
        events = cases.events(finder, 20, seed=4)
        outputs = simulation.predict(events)
        words = np.sort(outputs.association[outputs.kept])
        threshold = int(words[len(words) // 2])
        found = simulation.associated(events, threshold)
        assert_array_equal(found, outputs.kept & (outputs.association >= threshold))
        assert 0 < found.sum() < outputs.kept.sum()
        for limit in (finder.association_format.lowest, finder.association_format.highest):
            assert_array_equal(simulation.associated(events, limit), outputs.kept & (outputs.association >= limit))


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_do_not_matter(built: dict[str, Built], threads: int) -> None:
    finder, simulation = built["odd"]
    events = cases.events(finder, 30)
    assert_same(simulation.predict(events, threads=threads), simulation.predict(events))


def test_run_gives_both(built: dict[str, Built]) -> None:
    finder, simulation = built["saturating"]
    events = cases.events(finder, 30)
    outputs, associated = simulation.run(events, 7)
    assert_same(outputs, simulation.predict(events))
    assert_array_equal(associated, simulation.associated(events, 7))


def test_no_events(built: dict[str, Built]) -> None:
    _, simulation = built["published"]
    outputs = simulation.predict(
        FinderEvents(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros((0, 3), np.uint32))
    )
    assert outputs.bin.shape == (0,)
    assert outputs.kept.shape == (0,)


def outside(events: FinderEvents) -> FinderEvents:
    return FinderEvents(events.start, events.lane + 1, events.words)


def wider(events: FinderEvents) -> FinderEvents:
    return FinderEvents(events.start, events.lane, np.pad(events.words, ((0, 0), (0, 1))))


@pytest.mark.parametrize(("spoil", "message"), [(outside, "0 to 4, not 5"), (wider, "3 words of 32 bits, not 4")])
def test_events_are_checked(
    built: dict[str, Built], spoil: Callable[[FinderEvents], FinderEvents], message: str
) -> None:
    finder, simulation = built["odd"]
    with pytest.raises(UserError, match=message):
        simulation.predict(spoil(cases.events(finder, 5)))


def test_threshold_is_checked(built: dict[str, Built]) -> None:
    finder, simulation = built["odd"]
    with pytest.raises(UserError, match="0 to 63, not -1"):
        simulation.associated(cases.events(finder, 5), -1)


def test_folder_alone(built: dict[str, Built], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"finder\.json; write the project again"):
        build(tmp_path, tmp_path / "lib")
    (tmp_path / "finder.json").write_text('{"schema": 7}')
    with pytest.raises(UserError, match="must be of schema 1"):
        build(tmp_path, tmp_path / "lib")
