"""From a trained QKeras model back to its description: the weights as integer words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from firmware.network.layers import Conv1D, Conv2D, Dense
from firmware.network.network import Network

__all__ = ["with_weights"]


def with_weights(network: Network, model: Any) -> Network:
    """The network with the weights of a model, rounded to the layers' formats.

    Parameters
    ----------
    network : Network
    model : tf_keras.Model
        Made from it, so with layers of the same names.

    Returns
    -------
    Network
    """
    layers = []
    for layer in network.layers:
        if isinstance(layer, Dense | Conv1D | Conv2D):
            kernel, *bias = model.get_layer(layer.name).get_weights()
            layer = replace(
                layer,
                kernel=layer.kernel_format.quantise(kernel),
                bias=layer.bias_format.quantise(bias[0]) if layer.bias_format is not None else None,
            )
        layers.append(layer)
    return replace(network, layers=tuple(layers))
