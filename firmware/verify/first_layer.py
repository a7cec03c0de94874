"""Naming the first layer that differs, by means of a slow and independent evaluation of the stored description."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph import Program, emulate, operation_words, trace_network
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
    events : mapping of input name to int64 array of shape (1, *shape)
        One event that fails.
    layers : mapping of layer name to float64 array of shape (1, *shape)
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
    wrong = [
        name
        for name, words in outputs.items()
        if name in reference and not np.array_equal(words, reference[name].words)
    ]
    if not wrong:
        return None
    fresh = trace_network(network, stage_ns=program.stage_ns)
    if len(fresh.comb.ops) == len(program.comb.ops):
        for layer, wanted, got in zip(
            fresh.layer_of_op, operation_words(fresh, events), operation_words(program, events), strict=True
        ):
            if wanted != got:
                return f"{layer} (emulator)"
    return f"{wrong[0]} (emulator)"
