"""A genome with some genes changed."""

from __future__ import annotations

from random import Random

from trigger.search.operators.choices import step
from trigger.tasks.hgcal.genome import Genome, HiddenGene, OutputGene
from trigger.tasks.hgcal.operators.initialise import random_hidden
from trigger.tasks.hgcal.operators.repair import repair_inputs
from trigger.tasks.hgcal.sections import SpaceSection

__all__ = ["mutate"]


def mutate(genome: Genome, space: SpaceSection, rate: float, random: Random) -> Genome:
    """Change about ``rate`` genes: ordered choices move, variables enter and leave, layers are added and dropped.

    Parameters
    ----------
    genome : Genome
    space : SpaceSection
    rate : float
        Expected number of changed genes.
    random : Random

    Returns
    -------
    Genome
        May equal the given one, by chance.
    """
    genes = len(genome.inputs) + 3 + 4 * len(genome.hidden) + 2
    chance = min(1.0, rate / genes)
    bits = _mutate_bits(dict(genome.inputs), space, chance, random)
    hidden = [_mutate_hidden(layer, space, chance, random) for layer in genome.hidden]
    if random.random() < chance:
        hidden = _mutate_depth(hidden, space, random)
    output = OutputGene(
        weight_bits=step(genome.output.weight_bits, space.weight_bits, chance, random),
        sparsity=step(genome.output.sparsity, space.sparsity, chance, random),
    )
    return Genome(repair_inputs(bits, space, random), tuple(hidden), output)


def _mutate_bits(bits: dict[str, int], space: SpaceSection, chance: float, random: Random) -> dict[str, int]:
    changed = {
        name: step(bits[name], space.input_bits, chance, random) if name in bits else 0 for name in space.features
    }
    present = [name for name in space.features if changed[name]]
    absent = [name for name in space.features if not changed[name]]
    # Entering and leaving are two genes of their own, whatever the length of the list: a chance for each absent
    # variable would let long lists drift to many variables.
    if present and random.random() < chance:
        changed[random.choice(present)] = 0
    if absent and random.random() < chance:
        changed[random.choice(absent)] = random.choice(space.input_bits)
    return changed


def _mutate_hidden(layer: HiddenGene, space: SpaceSection, chance: float, random: Random) -> HiddenGene:
    return HiddenGene(
        units=step(layer.units, space.units, chance, random),
        weight_bits=step(layer.weight_bits, space.weight_bits, chance, random),
        activation_bits=step(layer.activation_bits, space.activation_bits, chance, random),
        sparsity=step(layer.sparsity, space.sparsity, chance, random),
    )


def _mutate_depth(hidden: list[HiddenGene], space: SpaceSection, random: Random) -> list[HiddenGene]:
    depth = step(len(hidden), space.hidden_layers, 1.0, random)
    hidden = list(hidden)
    while len(hidden) > depth:
        hidden.pop(random.randrange(len(hidden)))
    while len(hidden) < depth:
        hidden.insert(random.randint(0, len(hidden)), random_hidden(space, random))
    return hidden
