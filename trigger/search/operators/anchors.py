"""Known good starting points of the first generation."""

from __future__ import annotations

from collections.abc import Sequence

from trigger.config.sections import SpaceSection
from trigger.models.genome import Genome, HiddenGene, OutputGene

__all__ = ["anchors", "uniform_genome"]


def anchors(space: SpaceSection, variable_sets: Sequence[Sequence[str]]) -> list[Genome]:
    """One genome a known set of variables, at the allowed number of bits nearest to 8, with a network of middle size.

    Parameters
    ----------
    space : SpaceSection
    variable_sets : sequence of sequences of str
        Sets that name a variable outside the space, or have a size that is not allowed, are left out.

    Returns
    -------
    list of Genome
    """
    most = space.max_features or len(space.features)
    return [
        uniform_genome(space, variables, bits=8)
        for variables in variable_sets
        if set(variables) <= set(space.features) and space.min_features <= len(set(variables)) <= most
    ]


def uniform_genome(space: SpaceSection, variables: Sequence[str], bits: int) -> Genome:
    """Every variable at the allowed number of bits nearest to ``bits``; the middle choice for all else, no pruning.

    Parameters
    ----------
    space : SpaceSection
    variables : sequence of str
    bits : int

    Returns
    -------
    Genome
    """
    nearest = min(space.input_bits, key=lambda choice: (abs(choice - bits), choice))
    weight_bits = _middle(space.weight_bits)
    hidden = HiddenGene(_middle(space.units), weight_bits, _middle(space.activation_bits), space.sparsity[0])
    return Genome(
        inputs=tuple((name, nearest) for name in space.features if name in variables),
        hidden=(hidden,) * _middle(space.hidden_layers),
        output=OutputGene(weight_bits, space.sparsity[0]),
    )


def _middle(choices: Sequence[int]) -> int:
    return choices[len(choices) // 2]
