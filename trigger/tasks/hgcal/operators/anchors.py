"""Known good starting points of the first generation."""

from __future__ import annotations

from collections.abc import Sequence

from sim.events.features import CMSSW_LARGE, CMSSW_SMALL
from trigger.tasks.hgcal.genome import Genome, HiddenGene, OutputGene
from trigger.tasks.hgcal.sections import SpaceSection

__all__ = ["anchors", "uniform_genome"]


_SETS = {"cmssw_small": CMSSW_SMALL, "cmssw_large": CMSSW_LARGE}


def anchors(space: SpaceSection) -> dict[str, Genome | None]:
    """The published sets of variables, at the allowed number of bits nearest to 8, with a network of middle size.

    Parameters
    ----------
    space : SpaceSection
        With its features listed.

    Returns
    -------
    dict of str to Genome or None
        None: the set names a variable outside the space, or has a size that is not allowed.
    """
    most = space.max_features or len(space.features)
    return {
        name: uniform_genome(space, variables, bits=8)
        if set(variables) <= set(space.features) and space.min_features <= len(set(variables)) <= most
        else None
        for name, variables in _SETS.items()
    }


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
