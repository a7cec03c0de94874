"""HGCAL e/gamma identification: a genome to a network, and a table of clusters to its input words.

Variables of the same number of bits share one input port, ``bits<b>``: an input tensor has one format, so this is
exact, needs no padding bits, and gives few, plainly named ports. Ports come in the order of their bits; inside a port
the variables keep the order of the study's list. Several ports are joined pairwise (C-simulation libraries join no
more than two at once). The network ends in one logit; whether an event is accepted is a comparison of its integer
word with a threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Concatenate, Dense, Input, Layer, Relu
from firmware.network.network import Network
from sim.events.features import digitise, feature
from trigger.tasks.hgcal.genome import Genome
from trigger.tasks.hgcal.sections import SpaceSection

__all__ = ["OUTPUT", "build", "event_words", "ports", "sparsities", "word_meanings"]

OUTPUT = "score"
"""Name of the output: one logit an event."""


def ports(genome: Genome) -> dict[str, tuple[str, ...]]:
    """The input ports of a network and the variables in each.

    Parameters
    ----------
    genome : Genome

    Returns
    -------
    dict of str to tuple of str
        Port name ``bits<b>`` to the variables in it, in order; fewest bits first.
    """
    widths = sorted({bits for _, bits in genome.inputs})
    return {f"bits{width}": tuple(name for name, bits in genome.inputs if bits == width) for width in widths}


def build(genome: Genome, space: SpaceSection, name: str = "hgcal") -> Network:
    """The untrained network of a genome.

    Parameters
    ----------
    genome : Genome
    space : SpaceSection
        Gives the formats that are not searched (integer bits, biases).
    name : str

    Returns
    -------
    Network
        Inputs `ports`, hidden layers ``hidden1``, ``hidden2``, ... each followed by ``hidden<i>_relu``, output
        `OUTPUT`.
    """
    layers: list[Layer] = []
    for port, features in ports(genome).items():
        width = int(port.removeprefix("bits"))
        layers.append(Input(name=port, shape=(len(features),), format=FixedPoint(width, 0, signed=False)))
    source = layers[0].name
    for number, layer in enumerate(layers[1:], start=1):
        joined = Concatenate(name=f"inputs{number}", sources=(source, layer.name))
        layers.append(joined)
        source = joined.name
    for number, gene in enumerate(genome.hidden, start=1):
        dense = _dense(f"hidden{number}", source, gene.units, gene.weight_bits, space)
        relu = Relu(
            name=f"{dense.name}_relu",
            source=dense.name,
            format=FixedPoint(gene.activation_bits, space.activation_integer, signed=False),
        )
        layers += [dense, relu]
        source = relu.name
    layers.append(_dense(OUTPUT, source, 1, genome.output.weight_bits, space))
    return Network(name=name, layers=tuple(layers), outputs=(OUTPUT,))


def sparsities(genome: Genome) -> dict[str, float]:
    """Fraction of weights to be pruned, for every layer with weights."""
    hidden = {f"hidden{number}": gene.sparsity for number, gene in enumerate(genome.hidden, start=1)}
    return {**hidden, OUTPUT: genome.output.sparsity}


def event_words(genome: Genome, columns: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[np.int64]]:
    """Input words of a network for a table of clusters.

    Parameters
    ----------
    genome : Genome
    columns : mapping of str to float array of shape (events,)
        Shape variables in the units of the feature table.

    Returns
    -------
    dict of str to int64 array of shape (events, variables in the port)
        Unsigned words, one entry a port.
    """
    bits = dict(genome.inputs)
    return {
        port: np.stack([digitise(columns[name], feature(name), bits[name]) for name in features], axis=1)
        for port, features in ports(genome).items()
    }


def word_meanings(genome: Genome) -> dict[str, Any]:
    """What each word of the firmware means, as plain values for a project's ``about.json``.

    Returns
    -------
    dict
        ``inputs``: for every port its elements in order (variable, meaning, unit, and the range that the word's steps
        divide); ``outputs``: how the logit's word is to be read.
    """
    return {
        "inputs": {
            port: [_element(name, int(port.removeprefix("bits"))) for name in names]
            for port, names in ports(genome).items()
        },
        "outputs": {OUTPUT: "logit of e/gamma against background; an event is accepted where word >= threshold"},
    }


def _element(name: str, bits: int) -> dict[str, Any]:
    found = feature(name)
    return {
        "variable": name, "meaning": found.meaning, "unit": found.unit, "low": found.low, "high": found.high,
        "word": f"floor((value - low) / (high - low) * 2**{bits}), saturated to 0 and {2**bits - 1}",
    }  # fmt: skip


def _dense(name: str, source: str, units: int, bits: int, space: SpaceSection) -> Dense:
    return Dense(
        name=name,
        source=source,
        units=units,
        kernel_format=FixedPoint.from_quantized_bits(bits, space.weight_integer),
        bias_format=FixedPoint.from_quantized_bits(space.bias_bits, space.bias_integer),
    )
