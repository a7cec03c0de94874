"""Genomes of a flat table of choices: operators stay in it and reach all of it, steps are small, repairs are kept."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger.errors import UserError
from trigger.search import candidate_id
from trigger.search.operators.choices import (
    ChoiceGenome,
    choice_operations,
    crossover_choices,
    mutate_choices,
    random_choices,
    step,
)

_TABLE = {"bits": (2, 3, 4, 6, 8), "sparsity": (0.0, 0.5), "bins": (256,), "kind": ("sum", "mean", "max")}
_SPACE = SimpleNamespace(table=_TABLE)
_OPERATIONS = choice_operations(lambda space: space.table)


@given(st.integers(0, 2**31))
def test_operators_stay_in_the_table(seed: int) -> None:
    random = Random(seed)
    one, other = (_OPERATIONS.random(_SPACE, random) for _ in range(2))
    mixed = _OPERATIONS.crossover(one, other, _SPACE, random)
    for genome in (one, other, mixed, _OPERATIONS.mutate(one, _SPACE, 20.0, random)):
        assert [gene for gene, _ in genome.genes] == list(_TABLE)
        assert all(genome[gene] in choices for gene, choices in _TABLE.items())
        assert _OPERATIONS.from_json(json.loads(json.dumps(genome.to_json()))) == genome
    assert all(mixed[gene] in (one[gene], other[gene]) for gene in _TABLE)


def test_mutation_reaches_every_choice() -> None:
    random = Random(1)
    values = random_choices(_TABLE, random)
    seen = {gene: set() for gene in _TABLE}
    for _ in range(2000):
        values = mutate_choices(values, _TABLE, 1.0, random)
        for gene, choice in values.items():
            seen[gene].add(choice)
    assert seen == {gene: set(choices) for gene, choices in _TABLE.items()}


def test_mutation_changes_as_many_genes_as_asked() -> None:
    """Genes that are fixed do not count."""
    random = Random(2)
    values = {"bits": 4, "sparsity": 0.0, "bins": 256, "kind": "mean"}
    for rate, expected in ((1.0, 1.0), (2.0, 2.0), (20.0, 3.0)):
        changed = [mutate_choices(values, _TABLE, rate, random) for _ in range(4000)]
        mean = sum(sum(one[gene] != values[gene] for gene in values) for one in changed) / len(changed)
        assert mean == pytest.approx(expected, abs=0.06)


def test_a_step_goes_to_a_neighbour_three_times_in_four() -> None:
    random = Random(3)
    found = Counter(step(4, _TABLE["bits"], 1.0, random) for _ in range(20_000))
    assert 4 not in found
    # A step: 3/8 each side; anywhere: 1/16 each of the four others.
    for choice, share in ((3, 7 / 16), (6, 7 / 16), (2, 1 / 16), (8, 1 / 16)):
        assert found[choice] / 20_000 == pytest.approx(share, abs=0.015)
    assert step(2, _TABLE["bits"], 0.0, random) == 2
    assert step(256, (256,), 1.0, random) == 256
    assert step(7, _TABLE["bits"], 1.0, random) in _TABLE["bits"]


def test_crossover_takes_from_both() -> None:
    one, other = {gene: choices[0] for gene, choices in _TABLE.items()}, {g: c[-1] for g, c in _TABLE.items()}
    children = [crossover_choices(one, other, _TABLE, Random(seed)) for seed in range(200)]
    for gene in ("bits", "sparsity", "kind"):
        shares = Counter(child[gene] for child in children)
        assert set(shares) == {one[gene], other[gene]}
        assert min(shares.values()) > 60


def test_repair_follows_every_operation() -> None:
    def repair(values, space, random):
        return {**values, "sparsity": 0.0} if values["bits"] == 2 else values

    operations = choice_operations(lambda space: space.table, repair)
    random = Random(4)
    genomes = [operations.random(_SPACE, random) for _ in range(300)]
    genomes += [operations.mutate(genome, _SPACE, 3.0, random) for genome in genomes]
    genomes += [operations.crossover(one, other, _SPACE, random) for one, other in pairwise(genomes)]
    small = [genome for genome in genomes if genome["bits"] == 2]
    assert len(small) > 50
    assert {genome["sparsity"] for genome in small} == {0.0}
    # Not by chance: without the repair it does not hold.
    free = [_OPERATIONS.random(_SPACE, random) for _ in range(300)]
    assert 0.5 in {genome["sparsity"] for genome in free if genome["bits"] == 2}


def test_ids_tell_genomes_apart() -> None:
    genomes = {_OPERATIONS.random(_SPACE, Random(seed)) for seed in range(500)}
    assert len(genomes) == 30
    assert len({candidate_id(genome) for genome in genomes}) == 30
    one = next(iter(genomes))
    assert candidate_id(one) == candidate_id(ChoiceGenome.from_json(one.to_json())) != candidate_id(one, "final")


@pytest.mark.parametrize("content", [None, [1], {"bits": None}, {"bits": [2]}, {"bits": True}])
def test_what_is_no_genome_is_refused(content: object) -> None:
    with pytest.raises(UserError, match="a genome must map genes to numbers or words"):
        ChoiceGenome.from_json(content)


def test_no_anchors_unless_given() -> None:
    anchor = ChoiceGenome(tuple((gene, choices[0]) for gene, choices in _TABLE.items()))
    assert _OPERATIONS.anchors(_SPACE) == {}
    assert choice_operations(lambda space: space.table, anchors=lambda space: {"a": anchor}).anchors(_SPACE) == {
        "a": anchor
    }
