"""The parts of the search against slow references: operators, domination, hypervolume, choice."""

from __future__ import annotations

import random
from random import Random

import numpy as np
import pytest
from deap import tools
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.events.features import CMSSW_LARGE, CMSSW_SMALL
from trigger.config import from_mapping
from trigger.config.sections import ChoiceSection, SpaceSection
from trigger.errors import UserError
from trigger.models.genome import Genome, HiddenGene, OutputGene, candidate_id
from trigger.search import Candidate, choose, knee
from trigger.search.front import hypervolume, non_dominated, spread
from trigger.search.individual import Individual
from trigger.search.operators import anchors, crossover, mutate, random_genome
from trigger.search.seeds import derived_seed, global_random

_SPACE = from_mapping(
    {"study": {"name": "parts"}, "space": {"min_features": 2, "max_features": 5, "hidden_layers": [0, 1, 3]}}
).space
_NAMES = ("background_efficiency", "input_bits", "lut")


def _check(genome: Genome, space: SpaceSection) -> None:
    names = [name for name, _ in genome.inputs]
    assert names == [name for name in space.features if name in names]
    assert space.min_features <= len(names) <= (space.max_features or len(space.features))
    assert {bits for _, bits in genome.inputs} <= set(space.input_bits)
    assert len(genome.hidden) in space.hidden_layers
    for layer in genome.hidden:
        assert layer.units in space.units
        assert layer.weight_bits in space.weight_bits
        assert layer.activation_bits in space.activation_bits
        assert layer.sparsity in space.sparsity
    assert genome.output.weight_bits in space.weight_bits
    assert genome.output.sparsity in space.sparsity


@given(st.integers(0, 2**31))
def test_operators_stay_in_the_space(seed: int) -> None:
    generator = Random(seed)
    one, other = random_genome(_SPACE, generator), random_genome(_SPACE, generator)
    for genome in (one, other, crossover(one, other, _SPACE, generator), mutate(one, _SPACE, 20.0, generator)):
        _check(genome, _SPACE)
        assert Genome.from_json(genome.to_json()) == genome


def test_operators_reach_everything() -> None:
    """Mutation alone walks to every choice of every gene."""
    generator = Random(1)
    genome = random_genome(_SPACE, generator)
    seen: dict[str, set[object]] = {"feature": set(), "bits": set(), "depth": set(), "units": set(), "sparsity": set()}
    for _ in range(4000):
        genome = mutate(genome, _SPACE, 2.0, generator)
        seen["feature"] |= {name for name, _ in genome.inputs}
        seen["bits"] |= {bits for _, bits in genome.inputs}
        seen["depth"].add(len(genome.hidden))
        seen["units"] |= {layer.units for layer in genome.hidden}
        seen["sparsity"].add(genome.output.sparsity)
    assert seen == {
        "feature": set(_SPACE.features), "bits": set(_SPACE.input_bits), "depth": set(_SPACE.hidden_layers),
        "units": set(_SPACE.units), "sparsity": set(_SPACE.sparsity),
    }  # fmt: skip


def test_crossover_takes_from_both() -> None:
    one = Genome((("firstlayer", 2), ("hoe", 2)), (HiddenGene(4, 3, 3, 0.0),), OutputGene(3, 0.0))
    other = Genome((("meanz", 8), ("szz", 8)), (HiddenGene(32, 8, 8, 0.8),), OutputGene(8, 0.8))
    children = [crossover(one, other, _SPACE, Random(seed)) for seed in range(200)]
    assert {layer.units for child in children for layer in child.hidden} == {4, 32}
    assert {child.output.weight_bits for child in children} == {3, 8}
    kept = [child for child in children if {"firstlayer", "meanz"} <= {name for name, _ in child.inputs}]
    assert kept
    assert dict(kept[0].inputs)["firstlayer"] == 2
    assert dict(kept[0].inputs)["meanz"] == 8


def test_anchors() -> None:
    wide = from_mapping({"study": {"name": "a"}}).space
    small, large = anchors(wide, (CMSSW_SMALL, CMSSW_LARGE))
    assert {name for name, _ in small.inputs} == set(CMSSW_SMALL)
    assert {name for name, _ in large.inputs} == set(CMSSW_LARGE)
    assert small.input_bits == 32
    assert len(anchors(_SPACE, (CMSSW_SMALL, CMSSW_LARGE))) == 1


def test_ids() -> None:
    genomes = {random_genome(_SPACE, Random(seed)) for seed in range(500)}
    ids = {candidate_id(genome, stage) for genome in genomes for stage in ("search", "final")}
    assert len(ids) == 2 * len(genomes)
    assert all(len(id) == 10 and set(id) <= set("0123456789abcdef") for id in ids)


def _candidate(values: tuple[float, ...], violation: float = 0.0, number: int = 0) -> Candidate:
    genome = Genome((("hoe", 2),), (), OutputGene(3, 0.0))
    objectives = dict(zip(_NAMES, values, strict=True))
    cost = {"input_bits": values[1], "lut": values[2], "latency_ns": 10.0 + number}
    return Candidate(
        id=f"{number:010x}", stage="final", generation=0, genome=genome, status="ok", objectives=objectives, cost=cost,
        violation=violation,
    )  # fmt: skip


_points = st.lists(st.tuples(*[st.integers(1, 5).map(float)] * 3), min_size=1, max_size=25)


@given(_points)
def test_front_against_all_pairs(points: list[tuple[float, float, float]]) -> None:
    front = non_dominated([_candidate(point, number=n) for n, point in enumerate(points)], _NAMES)
    found = {tuple(c.objectives.values()) for c in front}
    expected = {p for p in points if not any(q != p and all(a <= b for a, b in zip(q, p, strict=True)) for q in points)}
    assert found == expected
    assert len(front) == len(found)


def test_front_leaves_out_what_breaks_the_budget() -> None:
    kept = _candidate((0.5, 20, 500))
    front = non_dominated([_candidate((0.1, 10, 100), violation=0.1, number=1), kept], _NAMES)
    assert front == (kept,)


@settings(max_examples=30)
@given(_points)
def test_hypervolume_against_counting_cells(points: list[tuple[float, float, float]]) -> None:
    """On an integer grid the dominated volume is a number of unit cells."""
    reference = dict.fromkeys(_NAMES, 6.0)
    cells = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    dominated = np.zeros(len(cells), dtype=bool)
    for point in points:
        dominated |= (cells >= np.array(point)).all(axis=1)
    found = hypervolume([_candidate(point) for point in points], reference)
    assert found == pytest.approx(dominated.sum() / 6**3, abs=1e-12)


def test_hypervolume_beyond_the_reference_counts_nothing() -> None:
    assert hypervolume([_candidate((7, 1, 1))], dict.fromkeys(_NAMES, 6.0)) == 0.0
    assert hypervolume([], dict.fromkeys(_NAMES, 6.0)) == 0.0


def _fitness(values: tuple[float, ...], violation: float):
    return Individual(_candidate(values, violation), _NAMES).fitness


@pytest.mark.parametrize(
    ("one", "other", "dominates"),
    [
        (((1, 1, 1), 0.0), ((2, 2, 2), 0.0), True),
        (((1, 3, 1), 0.0), ((2, 2, 2), 0.0), False),
        (((9, 9, 9), 0.0), ((1, 1, 1), 0.1), True),
        (((1, 1, 1), 0.1), ((9, 9, 9), 0.0), False),
        (((9, 9, 9), 0.1), ((1, 1, 1), 0.2), True),
        (((1, 1, 1), 0.1), ((2, 2, 2), 0.1), False),
    ],
)
def test_constraint_domination(one, other, dominates: bool) -> None:
    assert _fitness(*one).dominates(_fitness(*other)) is dominates


def test_selection_prefers_feasible_then_less_violation() -> None:
    population = [
        Individual(_candidate(values, violation, number), _NAMES)
        for number, (values, violation) in enumerate(
            [((1, 1, 1), 0.3), ((1, 1, 1), 0.1), ((5, 5, 5), 0.0), ((4, 6, 5), 0.0), ((1, 1, 1), 0.2)]
        )
    ]
    chosen = tools.selNSGA2(population, 4)
    assert [individual.fitness.violation for individual in chosen] == [0.0, 0.0, 0.1, 0.2]


def test_global_random_is_restored() -> None:
    random.seed(3)
    expected = random.random()
    random.seed(3)
    with global_random(7):
        first = random.random()
    assert random.random() == expected
    with global_random(7):
        assert random.random() == first


def test_seeds_differ_by_purpose() -> None:
    seeds = {derived_seed(1, "child", generation, index) for generation in range(50) for index in range(50)}
    assert len(seeds) == 2500
    assert derived_seed(1, "child", 1, 11) != derived_seed(1, "child", 11, 1)


_FRONT = tuple(
    _candidate(values, number=number)
    for number, values in enumerate(
        [(0.20, 70, 3000), (0.205, 50, 2500), (0.21, 60, 900), (0.4, 30, 500), (0.9, 4, 50)]
    )
)


def test_spread_keeps_the_ends() -> None:
    assert spread(_FRONT, 9) == _FRONT
    assert spread(_FRONT, 3) == (_FRONT[0], _FRONT[2], _FRONT[4])
    assert spread(_FRONT, 1) == (_FRONT[0],)


@pytest.mark.parametrize(("tolerance", "expected"), [(0.0, 0), (0.03, 1), (0.05, 2), (1.0, 3)])
def test_knee(tolerance: float, expected: int) -> None:
    assert knee(_FRONT, tolerance) == _FRONT[expected]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, 2),
        ({"max_lut": 2600}, 1),
        ({"max_lut": 1000}, 2),
        ({"max_bits": 55}, 1),
        ({"max_bits": 55, "max_lut": 1000}, 3),
        ({"max_latency_ns": 10.0}, 0),
        ({"id": "0000000003"}, 3),
    ],
)
def test_choose(choice: dict[str, object], expected: int) -> None:
    assert choose(_FRONT, ChoiceSection(**choice)) == _FRONT[expected]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"max_lut": 10}, r"\(max_lut 10\) .* none of 5 does; the nearest, 0000000004, needs 50 LUT: raise"),
        ({"max_lut": 400, "max_bits": 3}, r"the nearest, 0000000004, needs 50 LUT, 4 input bits"),
        ({"id": "ffff"}, r"'ffff' is not on the front; members: 0000000000, "),
        ({"id": "00000"}, r"'00000' fits 5 members"),
    ],
)
def test_nothing_to_choose(choice: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose(_FRONT, ChoiceSection(**choice))  # type: ignore[arg-type]
