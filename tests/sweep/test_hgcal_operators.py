"""Genetic operators of the HGCAL task: they stay in the space, reach all of it, and take from both parents."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sim.events.features import CMSSW_LARGE, CMSSW_SMALL
from trigger.config import from_mapping
from trigger.tasks.hgcal.genome import Genome, HiddenGene, OutputGene
from trigger.tasks.hgcal.operators import anchors, crossover, mutate, random_genome
from trigger.tasks.hgcal.sections import SpaceSection

_SPACE = from_mapping(
    {"study": {"name": "parts"}, "space": {"min_features": 2, "max_features": 5, "hidden_layers": [0, 1, 3]}}
).space


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
    small, large = anchors(wide).values()
    assert small is not None
    assert large is not None
    assert {name for name, _ in small.inputs} == set(CMSSW_SMALL)
    assert {name for name, _ in large.inputs} == set(CMSSW_LARGE)
    assert small.input_bits == 32
    narrow = anchors(_SPACE)
    assert list(narrow) == ["cmssw_small", "cmssw_large"]
    assert narrow["cmssw_small"] is not None
    assert narrow["cmssw_large"] is None
