"""The parts of the search against slow references: domination, hypervolume, choice."""

from __future__ import annotations

import random
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from deap import tools
from hypothesis import given, settings
from hypothesis import strategies as st

from trigger.config import from_mapping
from trigger.config.build import build
from trigger.config.sections import ChoiceSection
from trigger.errors import UserError
from trigger.search import Candidate, candidate_id, choose, knee
from trigger.search.front import hypervolume, non_dominated, reference_point, spread
from trigger.search.individual import Individual
from trigger.search.seeds import derived_seed, global_random
from trigger.tasks import find_task
from trigger.tasks.hgcal.genome import Genome, OutputGene
from trigger.tasks.hgcal.operators import random_genome

_TASK = find_task("hgcal")
_SPACE = from_mapping({"study": {"name": "parts"}}).space
_NAMES = ("background_efficiency", "input_bits", "lut")


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


@settings(max_examples=30)
@given(_points)
def test_logarithmic_hypervolume_is_that_of_the_logarithms(points: list[tuple[float, float, float]]) -> None:
    reference = {**dict.fromkeys(_NAMES, 6.0), "lut": 1e6}
    linear = [_candidate((a, b, c)) for a, b, c in points]
    raised = [_candidate((a, b, 10.0**c)) for a, b, c in points]
    expected = hypervolume(linear, dict.fromkeys(_NAMES, 6.0))
    assert hypervolume(raised, reference, ["lut"]) == pytest.approx(expected, abs=1e-12)


def test_halving_a_logarithmic_cost_counts_the_same_everywhere() -> None:
    reference = dict(zip(_NAMES, (1.0, 10.0, 10_000.0), strict=True))

    def volume(lut: float) -> float:
        return hypervolume([_candidate((0.5, 5.0, lut))], reference, ["lut"])

    assert volume(50) - volume(100) == pytest.approx(volume(2000) - volume(4000))
    assert volume(0) == volume(1) == 0.25
    # On a linear axis the gain at small LUT can hardly be seen: this is why it is logarithmic.
    linear = [hypervolume([_candidate((0.5, 5.0, lut))], reference) for lut in (50.0, 100.0, 2000.0, 4000.0)]
    assert linear[0] - linear[1] < (linear[2] - linear[3]) / 30


def test_reference_point() -> None:
    objectives = [_TASK.objective(name) for name in (*_NAMES, "latency_ns")]
    first = [
        replace(_candidate((0.3, 20, lut), number=n), objectives={"lut": lut, "latency_ns": 5.0 * n})
        for n, lut in enumerate((400.0, 900.0, 30.0))
    ]
    failed = replace(first[0], status="failed", objectives={})
    expected = {
        "background_efficiency": 1.0,
        "input_bits": 8.0 * len(_SPACE.features),
        "lut": 900.0,
        "latency_ns": 10.0,
    }
    assert reference_point([*first, failed], objectives, _SPACE) == expected
    # Nothing but constant networks: still a box.
    assert reference_point([_candidate((1.0, 4, 0.0))], objectives[:3], _SPACE)["lut"] == 10.0


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
    assert knee(_FRONT, tolerance, _TASK) == _FRONT[expected]


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
    assert choose(_FRONT, build(ChoiceSection, choice, "choice"), _TASK) == _FRONT[expected]


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
        choose(_FRONT, build(ChoiceSection, choice, "choice"), _TASK)


def test_budget_that_the_task_does_not_know() -> None:
    task = replace(_TASK, budgets=("max_lut", "max_latency_ns"))
    assert choose(_FRONT, ChoiceSection(max_lut=1000), task) == _FRONT[2]
    with pytest.raises(
        UserError, match=r"choice\.max_bits must be null for task hgcal, not 40; .* max_lut, max_latency"
    ):
        choose(_FRONT, ChoiceSection(max_bits=40), task)


def test_knee_is_the_cheapest_by_the_cost_of_the_task() -> None:
    task = replace(_TASK, knee_cost=lambda cost: -cost["lut"])
    assert knee(_FRONT, 1.0, task) == _FRONT[0]
