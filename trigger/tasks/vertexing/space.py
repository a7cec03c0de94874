"""Section ``space``: the finders that the search may build, and its genome, a flat table of choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from random import Random
from typing import Any

from sim.events.tracks.word import N_LINKS
from trigger.config.check import choices, in_range
from trigger.errors import UserError
from trigger.search.operators.choices import Choice, ChoiceGenome

__all__ = ["GENES", "PUBLISHED", "SpaceSection", "anchors", "check_genome", "repair", "table"]


@dataclass(frozen=True, kw_only=True)
class SpaceSection:
    """What each gene of a finder can be, and what all finders have in common.

    Parameters
    ----------
    pt_bits, eta_bits : tuple of int
        Bits of the words of log pT and |eta| that enter both networks (2 to 8).
    weight_layers : tuple of int
        Hidden layers of the weight network (1 or 2).
    weight_units : tuple of int
        Their width (2 to 64).
    weight_bits, weight_activation_bits : tuple of int
        Bits of its weights (3 to 12, with sign) and activations (2 to 12).
    word_bits : tuple of int
        Bits of a track's weight (2 to 12).
    histogram_bits : tuple of int
        Bits of a bin that are left of the lowest bit of a weight, in all (4 to 20); at least ``word_bits``.
    bins : tuple of int
        Bins in z0: powers of two, 64 to 1024.
    bins_per_clock : tuple of int
        Bins read in one clock: powers of two, 4 to 64.
    kernel_size : tuple of int
        Bins that the pattern sees: odd, 1 to 15.
    kernel_bits : tuple of int
        Bits of the pattern's weights (3 to 12, with sign).
    association_layers, association_units, association_bits, association_activation_bits : tuple of int
        The same of the association network.
    association_sparsity : tuple of float
        Fractions of its weights that pruning sets to zero (0 to 0.95).
    dz_bits : tuple of int
        Bits of the distance to the vertex (4 to 8); its range is the same for all.
    lanes : int
        Track words that enter in one clock; at most the 18 links of the track finder.
    tracks_per_lane : int
        Tracks of an event that one lane accepts (1 to 256).

    Raises
    ------
    UserError
    """

    pt_bits: tuple[int, ...] = (4, 5, 6, 7)
    eta_bits: tuple[int, ...] = (2, 3, 4, 5)
    weight_layers: tuple[int, ...] = (1, 2)
    weight_units: tuple[int, ...] = (4, 6, 8, 10, 12)
    weight_bits: tuple[int, ...] = (4, 5, 6, 8)
    weight_activation_bits: tuple[int, ...] = (4, 5, 6, 8)
    word_bits: tuple[int, ...] = (4, 5, 6, 7, 8)
    histogram_bits: tuple[int, ...] = (7, 8, 9, 10, 11, 12)
    bins: tuple[int, ...] = (128, 256, 512)
    bins_per_clock: tuple[int, ...] = (8, 16, 32)
    kernel_size: tuple[int, ...] = (3, 5, 7)
    kernel_bits: tuple[int, ...] = (3, 4, 5, 6, 8)
    association_layers: tuple[int, ...] = (1, 2)
    association_units: tuple[int, ...] = (6, 8, 12, 16, 20)
    association_bits: tuple[int, ...] = (4, 5, 6, 8)
    association_activation_bits: tuple[int, ...] = (4, 5, 6, 8)
    association_sparsity: tuple[float, ...] = (0.0, 0.25, 0.5, 0.65, 0.8)
    dz_bits: tuple[int, ...] = (5, 6, 7, 8)
    lanes: int = N_LINKS
    tracks_per_lane: int = 32

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _RANGES.items():
            choices(name, getattr(self, name), lowest, highest)
        for name in ("bins", "bins_per_clock"):
            for value in getattr(self, name):
                if value & (value - 1):
                    raise UserError(
                        f"every choice of {name} must be a power of two, so that a bin is the upper bits of z0, "
                        f"not {value}"
                    )
        for value in self.kernel_size:
            if value % 2 == 0:
                raise UserError(f"every choice of kernel_size must be odd, not {value}: the pattern has a middle")
        if self.bins_per_clock[0] >= self.bins[0]:
            raise UserError(
                f"bins_per_clock must offer a choice below the least of bins ({self.bins[0]}), "
                f"not {self.bins_per_clock[0]}"
            )
        if self.kernel_size[-1] // 2 > self.bins_per_clock[0]:
            raise UserError(
                f"kernel_size must reach over at most {self.bins_per_clock[0]} bins a side (the least of "
                f"bins_per_clock), not {self.kernel_size[-1] // 2}"
            )
        if self.histogram_bits[-1] < self.word_bits[0]:
            raise UserError(
                f"histogram_bits must offer at least the {self.word_bits[0]} bits of a weight, "
                f"not {self.histogram_bits[-1]}"
            )
        if not 1 <= self.lanes <= N_LINKS:
            raise UserError(f"lanes must be 1 to {N_LINKS}, the links of the track finder, not {self.lanes}")
        in_range("tracks_per_lane", self.tracks_per_lane, 1, 256)


_RANGES: dict[str, tuple[float, float]] = {
    "pt_bits": (2, 8), "eta_bits": (2, 8), "weight_layers": (1, 2), "weight_units": (2, 64), "weight_bits": (3, 12),
    "weight_activation_bits": (2, 12), "word_bits": (2, 12), "histogram_bits": (4, 20), "bins": (64, 1024),
    "bins_per_clock": (4, 64), "kernel_size": (1, 15), "kernel_bits": (3, 12), "association_layers": (1, 2),
    "association_units": (2, 64), "association_bits": (3, 12), "association_activation_bits": (2, 12),
    "association_sparsity": (0, 0.95), "dz_bits": (4, 8),
}  # fmt: skip

GENES = tuple(_RANGES)
"""Genes, in the order of a genome."""

PUBLISHED: Mapping[str, Choice] = {
    "pt_bits": 7, "eta_bits": 5, "weight_layers": 2, "weight_units": 10, "weight_bits": 8,
    "weight_activation_bits": 8, "word_bits": 8, "histogram_bits": 12, "bins": 256, "bins_per_clock": 16,
    "kernel_size": 3, "kernel_bits": 8, "association_layers": 2, "association_units": 20, "association_bits": 8,
    "association_activation_bits": 8, "association_sparsity": 0.8, "dz_bits": 8,
}  # fmt: skip
"""The published network: 3-10-10-1, 256 bins, a pattern of 3, 4-20-20-1 with 80% of the weights pruned, 8 bits."""


def table(space: SpaceSection) -> dict[str, Sequence[Choice]]:
    """Choices by gene."""
    return {gene: getattr(space, gene) for gene in GENES}


def repair(values: dict[str, Any], space: SpaceSection, random: Random) -> dict[str, Any]:
    """Choices that can stand together: a bin holds at least one weight, and there are more bins than in one clock."""
    del random  # one repair is as good as another
    repaired = dict(values)
    if repaired["histogram_bits"] < repaired["word_bits"]:
        wide = [bits for bits in space.histogram_bits if bits >= repaired["word_bits"]]
        if wide:
            repaired["histogram_bits"] = wide[0]
        else:
            repaired["word_bits"] = max(bits for bits in space.word_bits if bits <= repaired["histogram_bits"])
    if repaired["bins_per_clock"] >= repaired["bins"]:
        repaired["bins_per_clock"] = max(clock for clock in space.bins_per_clock if clock < repaired["bins"])
    return repaired


def anchors(space: SpaceSection) -> dict[str, ChoiceGenome | None]:
    """The published network, if the space has all its choices."""
    fits = all(PUBLISHED[gene] in choice for gene, choice in table(space).items())
    return {"published": ChoiceGenome(tuple((gene, PUBLISHED[gene]) for gene in GENES)) if fits else None}


def check_genome(genome: ChoiceGenome) -> None:
    """Refuse a genome of another task or another version.

    Raises
    ------
    UserError
    """
    if tuple(gene for gene, _ in genome.genes) != GENES:
        raise UserError(f"genes of a finder must be {', '.join(GENES)}, not {', '.join(g for g, _ in genome.genes)}")


assert {field.name for field in fields(SpaceSection)} == {*GENES, "lanes", "tracks_per_lane"}
