"""A random genome."""

from __future__ import annotations

from random import Random

from trigger.tasks.hgcal.genome import Genome, HiddenGene, OutputGene
from trigger.tasks.hgcal.operators.repair import repair_inputs
from trigger.tasks.hgcal.sections import SpaceSection

__all__ = ["random_genome", "random_hidden"]


def random_genome(space: SpaceSection, random: Random) -> Genome:
    """Draw a genome: first how many variables, then which, then all else uniformly among the choices.

    Drawing the number first spreads the first generation over small and large inputs; a coin for each variable would
    give nearly all candidates half of them.

    Parameters
    ----------
    space : SpaceSection
    random : Random

    Returns
    -------
    Genome
    """
    most = space.max_features or len(space.features)
    chosen = random.sample(space.features, random.randint(space.min_features, most))
    bits = {name: random.choice(space.input_bits) if name in chosen else 0 for name in space.features}
    return Genome(
        inputs=repair_inputs(bits, space, random),
        hidden=tuple(random_hidden(space, random) for _ in range(random.choice(space.hidden_layers))),
        output=OutputGene(random.choice(space.weight_bits), random.choice(space.sparsity)),
    )


def random_hidden(space: SpaceSection, random: Random) -> HiddenGene:
    """Draw one hidden layer."""
    return HiddenGene(
        units=random.choice(space.units),
        weight_bits=random.choice(space.weight_bits),
        activation_bits=random.choice(space.activation_bits),
        sparsity=random.choice(space.sparsity),
    )
