"""Sections of a vertexing study: the genome's table, and what is refused."""

from __future__ import annotations

from random import Random

import pytest
from vertexing_finders import random_finder, small_genome, with_random_weights

from firmware.vertex.finder import VertexFinder
from trigger.config import from_mapping
from trigger.errors import UserError
from trigger.search.operators.choices import ChoiceGenome
from trigger.tasks.vertexing import TASK
from trigger.tasks.vertexing.model import make_plan
from trigger.tasks.vertexing.space import GENES, PUBLISHED, SpaceSection, repair


def _study(**sections: dict[str, object]) -> dict[str, object]:
    return {"study": {"name": "vertex", "task": "vertexing"}, **sections}


@pytest.mark.parametrize(
    ("section", "key", "value", "says"),
    [
        ("space", "bins", [200], "power of two"),
        ("space", "bins", [2048], "64 to 1024"),
        ("space", "bins_per_clock", [512], "4 to 64"),
        ("space", "kernel_size", [4], "odd"),
        ("space", "lanes", 19, "18, the links"),
        ("space", "lanes", 0, "1 to 18"),
        ("space", "tracks_per_lane", 0, "1 to 256"),
        ("space", "tracks_per_lane", 300, "1 to 256"),
        ("space", "dz_bits", [9], "4 to 8"),
        ("space", "word_bits", [8, 4], "rise"),
        ("space", "wordbits", [8], "did you mean 'word_bits'"),
        ("training", "association_loss", 0, "association_loss must be above 0"),
        ("training", "efficiency_loss", 0.0, "to train the vertex"),
        ("training", "batch_size", 100000, "training.batch_size"),
        ("training", "train_events", 10_000_000, "training.train_events"),
        ("search", "window_cm", 0.0, "window_cm must be 0.01 to 5"),
        ("search", "objectives", ["lut", "input_bits"], "vertex_inefficiency, lut, latency_ns"),
        ("data", "ttbar_fraction", 1.0, "judged on both"),
        ("data", "n_test", 50, "data.n_test must be at least 100"),
        ("choice", "max_bits", 30, "choice.max_bits"),
    ],
)
def test_bad_settings_are_refused(section: str, key: str, value: object, says: str) -> None:
    with pytest.raises(UserError, match=says):
        from_mapping(_study(**{section: {key: value}}))


def test_kernel_must_fit_a_clock() -> None:
    with pytest.raises(UserError, match="reach over at most 4 bins"):
        SpaceSection(bins_per_clock=(4, 8), kernel_size=(3, 11))


def test_impossible_choices_are_repaired() -> None:
    space, random = SpaceSection(), Random(1)
    fixed = repair({**PUBLISHED, "word_bits": 8, "histogram_bits": 7}, space, random)
    assert fixed["histogram_bits"] == 8
    narrow = SpaceSection(bins=(64, 128), bins_per_clock=(16, 64))
    assert repair({**PUBLISHED, "bins": 64, "bins_per_clock": 64}, narrow, random)["bins_per_clock"] == 16
    few = SpaceSection(word_bits=(4, 8), histogram_bits=(6,))
    assert repair({**PUBLISHED, "word_bits": 8, "histogram_bits": 6}, few, random)["word_bits"] == 4


@pytest.mark.parametrize("seed", range(12))
def test_every_drawn_genome_can_be_built(seed: int) -> None:
    space, random = SpaceSection(), Random(seed)
    genome = TASK.genome.random(space, random)
    for _ in range(4):
        genome = TASK.genome.mutate(genome, space, 4.0, random)
    assert TASK.genome.from_json(genome.to_json()) == genome
    finder = with_random_weights(make_plan(genome, space), seed).finder()
    assert isinstance(finder, VertexFinder)
    assert finder.bins == genome["bins"]
    assert finder.histogram.width == genome["histogram_bits"]


def test_anchor_is_the_published_network() -> None:
    anchor = TASK.genome.anchors(SpaceSection())["published"]
    plan = make_plan(anchor, SpaceSection())
    weights = sum(a * b + b for a, b in [(3, 10), (10, 10), (10, 1)])
    assert weights == 161
    kernel = [layer.units for layer in plan.weight.layers if hasattr(layer, "units")]
    assert kernel == [10, 10, 1]
    assert [layer.units for layer in plan.association.layers if hasattr(layer, "units")] == [20, 20, 1]
    assert plan.finder.__self__.bins == 256
    assert TASK.genome.anchors(SpaceSection(bins=(128,)))["published"] is None


def test_genome_of_another_task_is_refused() -> None:
    with pytest.raises(UserError, match="genes of a finder"):
        make_plan(ChoiceGenome((("bins", 256),)), SpaceSection())
    assert tuple(gene for gene, _ in small_genome().genes) == GENES


def test_distance_covers_the_same_range_at_any_bits() -> None:
    for bits in (4, 6, 8):
        finder = random_finder(dz_bits=bits)
        assert (finder.distance_format.highest + 1) << finder.distance_shift == 256
