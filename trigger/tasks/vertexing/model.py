"""A genome to the description of its finder: tables, three networks, histogram, lanes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Concatenate, Conv1D, Dense, Input, Layer, Relu
from firmware.network.network import Network
from firmware.vertex import Feature, VertexFinder
from firmware.vertex.finder import ASSOCIATION, DISTANCE, HISTOGRAM, PATTERN, WEIGHT
from sim.events.tracks.word import FIELDS
from trigger.search.operators.choices import ChoiceGenome
from trigger.tasks.vertexing.space import SpaceSection, check_genome
from trigger.tasks.vertexing.tables import features, track_fields

__all__ = ["Z0_STEP_CM", "FinderPlan", "association_sparsities", "make_plan", "word_meanings"]

Z0_STEP_CM = FIELDS["z0"].lsb

_DISTANCE_BITS = 8
"""The distance saturates at 2**8 steps of z0, 2.56 cm, however many bits it has: beyond every window of FastHisto."""

_WEIGHT_INTEGER = 1
_BIAS_BITS = 8


@dataclass(frozen=True, kw_only=True)
class FinderPlan:
    """A finder whose networks may still be untrained.

    Parameters
    ----------
    weight, pattern, association : Network
        ``pattern`` is written for all bins at once, with zeros beyond both ends added by the caller: an input of shape
        (bins + kernel_size - 1, 1). `finder` writes it for the bins of one clock.
    features : tuple of Feature
    histogram : FixedPoint
    bins, bins_per_clock, distance_shift, lanes, tracks_per_lane : int
        As in `VertexFinder`.
    """

    name: str
    weight: Network
    pattern: Network
    association: Network
    features: tuple[Feature, ...]
    histogram: FixedPoint
    bins: int
    bins_per_clock: int
    distance_shift: int
    lanes: int
    tracks_per_lane: int

    @property
    def kernel_size(self) -> int:
        """Bins that the pattern sees."""
        return _convolution(self.pattern).kernel_size

    @property
    def bin_shift(self) -> int:
        """Low bits of z0 inside a bin."""
        return FIELDS["z0"].width - (self.bins.bit_length() - 1)

    def finder(self) -> VertexFinder:
        """The finder; its networks must be trained.

        Raises
        ------
        UserError
            It cannot be built.
        """
        return VertexFinder(
            name=self.name, fields=track_fields(), features=self.features, weight=self.weight,
            pattern=_pattern(self.bins_per_clock, self.histogram, _convolution(self.pattern)),
            association=self.association, histogram=self.histogram, bins=self.bins,
            bins_per_clock=self.bins_per_clock, distance_shift=self.distance_shift, lanes=self.lanes,
            tracks_per_lane=self.tracks_per_lane,
        )  # fmt: skip


def make_plan(genome: ChoiceGenome, space: SpaceSection, name: str = "vertexing") -> FinderPlan:
    """The untrained finder of a genome.

    Parameters
    ----------
    genome : ChoiceGenome
    space : SpaceSection
        Gives what all finders have in common.
    name : str

    Returns
    -------
    FinderPlan

    Raises
    ------
    UserError
        The genome is of another task.
    """
    check_genome(genome)
    gene = genome.values
    made = features(gene["pt_bits"], gene["eta_bits"])
    ports = [(feature.name, feature.format) for feature in made]
    word = FixedPoint(gene["word_bits"], _WEIGHT_INTEGER, signed=False)
    histogram = FixedPoint(gene["histogram_bits"], gene["histogram_bits"] - word.fraction, signed=False)
    distance = FixedPoint(gene["dz_bits"], 0, signed=False)
    kernel = Conv1D(
        name=PATTERN, source=HISTOGRAM, filters=1, kernel_size=gene["kernel_size"],
        kernel_format=FixedPoint.from_quantized_bits(gene["kernel_bits"], 0),
    )  # fmt: skip
    return FinderPlan(
        name=name,
        weight=_dense_network(
            WEIGHT, ports, gene["weight_layers"], gene["weight_units"], gene["weight_bits"],
            gene["weight_activation_bits"], word,
        ),
        pattern=_pattern(gene["bins"], histogram, kernel),
        association=_dense_network(
            ASSOCIATION, [*ports, (DISTANCE, distance)], gene["association_layers"], gene["association_units"],
            gene["association_bits"], gene["association_activation_bits"], None,
        ),
        features=made, histogram=histogram, bins=gene["bins"], bins_per_clock=gene["bins_per_clock"],
        distance_shift=_DISTANCE_BITS - gene["dz_bits"], lanes=space.lanes, tracks_per_lane=space.tracks_per_lane,
    )  # fmt: skip


def association_sparsities(plan: FinderPlan, genome: ChoiceGenome) -> dict[str, float]:
    """Fraction of weights to prune, for every layer of the association network."""
    return {layer.name: genome["association_sparsity"] for layer in plan.association.layers if isinstance(layer, Dense)}


def word_meanings(plan: FinderPlan) -> dict[str, Any]:
    """What the words of the finder mean, as plain values for a project's ``about.json``."""
    return {
        "track_word": "96 bits, as published for the level-1 track finder; fields read: valid, rinv, tanl, z0, mva",
        "vertex_z0": f"steps of {Z0_STEP_CM:.9f} cm: the centre of the bin",
        "lane": f"link * {plan.lanes} // 18",
        "tracks_per_lane": f"the first {plan.tracks_per_lane} tracks of a lane enter; the rest of the event is dropped",
        "association": "logit of a track of the vertex against all others; associated where word >= threshold",
    }


def _convolution(network: Network) -> Conv1D:
    layer = network.layer(PATTERN)
    assert isinstance(layer, Conv1D)
    return layer


def _pattern(bins: int, histogram: FixedPoint, kernel: Conv1D) -> Network:
    port = Input(name=HISTOGRAM, shape=(bins + kernel.kernel_size - 1, 1), format=histogram)
    return Network(PATTERN, (port, replace(kernel, source=HISTOGRAM)), (PATTERN,))


def _dense_network(
    output: str, ports: list[tuple[str, FixedPoint]], layers: int, units: int, weight_bits: int, activation_bits: int,
    relu: FixedPoint | None,
) -> Network:  # fmt: skip
    """Inputs joined two by two, hidden layers with rectifiers, one output; a rectifier behind it if it has a format."""
    made: list[Layer] = [Input(name=name, shape=(1,), format=format) for name, format in ports]
    source = ports[0][0]
    for number, (name, _) in enumerate(ports[1:], start=1):
        made.append(Concatenate(name=f"inputs{number}", sources=(source, name)))
        source = f"inputs{number}"
    kernel_format = FixedPoint.from_quantized_bits(weight_bits, _WEIGHT_INTEGER)
    bias_format = FixedPoint.from_quantized_bits(max(weight_bits, _BIAS_BITS), _WEIGHT_INTEGER)

    def dense(name: str, source: str, units: int) -> Dense:
        return Dense(name=name, source=source, units=units, kernel_format=kernel_format, bias_format=bias_format)

    for number in range(1, layers + 1):
        activation = FixedPoint(activation_bits, _WEIGHT_INTEGER, signed=False)
        made.append(dense(f"hidden{number}", source, units))
        source = f"hidden{number}_relu"
        made.append(Relu(name=source, source=f"hidden{number}", format=activation))
    made.append(dense(output if relu is None else f"{output}_sum", source, 1))
    if relu is not None:
        made.append(Relu(name=output, source=f"{output}_sum", format=relu))
    return Network(output, tuple(made), (output,))


def kernel_start(size: int) -> np.ndarray:
    """Pattern before training: a triangle, float array of shape (size, 1, 1)."""
    distance = np.abs(np.arange(size) - size // 2)
    return ((1 - distance / (size // 2 + 1)) * 0.75)[:, None, None]
