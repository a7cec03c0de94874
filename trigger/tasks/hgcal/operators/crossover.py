"""One child of two parents."""

from __future__ import annotations

from random import Random

from trigger.tasks.hgcal.genome import Genome, HiddenGene, OutputGene
from trigger.tasks.hgcal.operators.repair import repair_inputs
from trigger.tasks.hgcal.sections import SpaceSection

__all__ = ["crossover"]


def crossover(one: Genome, other: Genome, space: SpaceSection, random: Random) -> Genome:
    """Uniform crossover: each variable's bits or absence, the depth, and each property of a layer from either parent.

    A layer that only one parent has is taken from it.

    Parameters
    ----------
    one, other : Genome
    space : SpaceSection
    random : Random

    Returns
    -------
    Genome
    """
    bits_one, bits_other = dict(one.inputs), dict(other.inputs)
    bits = {name: random.choice((bits_one, bits_other)).get(name, 0) for name in space.features}
    depth = random.choice((len(one.hidden), len(other.hidden)))
    hidden = []
    for level in range(depth):
        layers = [parent.hidden[level] for parent in (one, other) if level < len(parent.hidden)]
        hidden.append(
            HiddenGene(
                units=random.choice(layers).units,
                weight_bits=random.choice(layers).weight_bits,
                activation_bits=random.choice(layers).activation_bits,
                sparsity=random.choice(layers).sparsity,
            )
        )
    output = OutputGene(
        weight_bits=random.choice((one, other)).output.weight_bits,
        sparsity=random.choice((one, other)).output.sparsity,
    )
    return Genome(repair_inputs(bits, space, random), tuple(hidden), output)
