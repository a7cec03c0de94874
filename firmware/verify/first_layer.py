"""Naming the first layer that differs, by means of a slow and independent evaluation of the stored description."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph import Program, emulate, op_words, trace_network
from firmware.network.network import Network
from firmware.network.reference import evaluate

__all__ = ["first_layer", "first_layer_of_program"]

EventWords = Mapping[str, NDArray[np.int64]]


def first_layer(
    network: Network, program: Program, events: EventWords, layers: Mapping[str, NDArray[np.float64]]
) -> str | None:
    """First layer at which a way of computing leaves the description.

    Parameters
    ----------
    network : Network
        The project's stored description.
    program : Program
        The emulator's.
    events : mapping of input name to int64 array of shape (events, *shape)
        Events that fail.
    layers : mapping of layer name to float64 array of shape (events, *shape)
        Real values of the layers that can be seen.

    Returns
    -------
    str or None
        The layer's name; ``"<layer> (emulator)"`` if every layer agrees with the description, so that it is the
        emulator that left it; None if that agrees too.
    """
    reference = evaluate(network, events)
    for layer in network.layers:
        values = layers.get(layer.name)
        if values is not None and not np.array_equal(values, reference[layer.name].to_float()):
            return layer.name
    return first_layer_of_program(network, program, events)


def first_layer_of_program(network: Network, program: Program, events: EventWords) -> str | None:
    """First layer at which the stored program leaves the description, or None.

    Tracing is deterministic: an unedited program equals a fresh one, operation by operation.
    """
    reference = evaluate(network, events)
    outputs = emulate(program, events)
    wrong = [name for name in network.outputs if name in outputs and not np.array_equal(outputs[name], reference[name].words)]
    if not wrong:
        return None
    fresh = trace_network(network)
    if len(fresh.comb.ops) == len(program.comb.ops):
        differs = (op_words(fresh, events) != op_words(program, events)).any(axis=0)
        for index in np.flatnonzero(differs):
            return f"{fresh.layer_of_op[index]} (emulator)"
    return f"{wrong[0]} (emulator)"
