"""Bring the number of variables back into the allowed range."""

from __future__ import annotations

from random import Random

from trigger.tasks.hgcal.sections import SpaceSection

__all__ = ["repair_inputs"]


def repair_inputs(bits: dict[str, int], space: SpaceSection, random: Random) -> tuple[tuple[str, int], ...]:
    """Add or drop random variables until their number is allowed.

    Parameters
    ----------
    bits : dict of str to int
        Bits of every variable of the space; 0: it does not enter.
    space : SpaceSection
    random : Random

    Returns
    -------
    tuple of (str, int)
        The inputs of a genome, in the order of ``space.features``.
    """
    bits = dict(bits)
    most = space.max_features or len(space.features)
    while (present := [name for name in space.features if bits[name]]) and len(present) > most:
        bits[random.choice(present)] = 0
    while len(present) < space.min_features:
        absent = [name for name in space.features if not bits[name]]
        bits[random.choice(absent)] = random.choice(space.input_bits)
        present = [name for name in space.features if bits[name]]
    return tuple((name, bits[name]) for name in present)
