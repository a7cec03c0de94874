"""Where training starts: the weights that a network trained alone starts from."""

from __future__ import annotations

from typing import Any

import numpy as np

from firmware.network.keras2 import import_keras
from firmware.network.layers import Concatenate, Conv1D, Conv2D, Dense, Input, Relu
from firmware.network.network import Network
from trigger.train.events import Events
from trigger.train.population.lay_out import Weights
from trigger.train.start import start_from_events

__all__ = ["own_weights", "start_weights"]


def start_weights(network: Network, events: Events, seed: int) -> Weights:
    """Start of a network: its own weights; else scaled to the events, if it is dense; else He-normal.

    Parameters
    ----------
    network : Network
    events : Events
    seed : int

    Returns
    -------
    dict of str to (kernel, bias or None)
    """
    if network.is_trained:
        return own_weights(network)
    weighted = [layer for layer in network.layers if isinstance(layer, Dense | Conv1D | Conv2D)]
    if all(isinstance(layer, Input | Concatenate | Dense | Relu) for layer in network.layers):
        taken = _Taken()
        start_from_events(taken, network, events, seed)
        return taken.weights
    normal = import_keras().initializers.HeNormal
    return {
        layer.name: (
            normal(seed=seed + number)(layer.kernel_shape(network.shapes[layer.source])).numpy(),
            None if layer.bias_format is None else np.zeros(network.shapes[layer.name][-1]),
        )
        for number, layer in enumerate(weighted, start=1)
    }


def own_weights(network: Network) -> Weights:
    """The weights of a trained network as real values."""
    found: dict[str, Any] = {}
    for layer in network.layers:
        if isinstance(layer, Dense | Conv1D | Conv2D):
            assert layer.kernel is not None
            bias = None if layer.bias_format is None else layer.bias_format.to_float(np.asarray(layer.bias))
            found[layer.name] = layer.kernel_format.to_float(layer.kernel), bias
    return found


class _Taken:
    """Stands where a Keras model is asked for, and keeps the weights that it is given."""

    def __init__(self) -> None:
        self.weights: dict[str, Any] = {}

    def get_layer(self, name: str) -> _TakenLayer:
        return _TakenLayer(self, name)


class _TakenLayer:
    def __init__(self, taken: _Taken, name: str) -> None:
        self._taken, self._name = taken, name

    def set_weights(self, weights: list[np.ndarray]) -> None:
        kernel, *bias = weights
        self._taken.weights[self._name] = kernel, bias[0] if bias else None
