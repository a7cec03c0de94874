"""A network of the description without its quantisers below the inputs: the floating-point reference."""

from __future__ import annotations

from typing import Any

from firmware.network.keras2 import import_keras
from firmware.network.layers import Concatenate, Conv1D, Dense, Input, Relu
from firmware.network.network import Network

__all__ = ["to_float"]


def to_float(network: Network, *, seed: int = 0) -> Any:
    """A Keras model of the same layers and names, with plain weights and rectifiers that do not saturate.

    Parameters
    ----------
    network : Network
        Of Input, Concatenate, Dense, Conv1D and Relu.
    seed : int
        Of the initial kernels.

    Returns
    -------
    tf_keras.Model
    """
    keras = import_keras()
    tensors: dict[str, Any] = {}
    inputs = []
    for number, layer in enumerate(network.layers):
        start = keras.initializers.HeNormal(seed=seed + number)
        if isinstance(layer, Input):
            tensors[layer.name] = keras.Input(layer.shape, name=layer.name)
            inputs.append(tensors[layer.name])
            continue
        sources = [tensors[source] for source in layer.sources]
        if isinstance(layer, Concatenate):
            made = keras.layers.Concatenate(name=layer.name)
        elif isinstance(layer, Relu):
            made = keras.layers.ReLU(name=layer.name)
        elif isinstance(layer, Conv1D):
            made = keras.layers.Conv1D(
                layer.filters, layer.kernel_size, name=layer.name, use_bias=layer.bias_format is not None,
                kernel_initializer=start,
            )  # fmt: skip
        else:
            assert isinstance(layer, Dense)
            made = keras.layers.Dense(
                layer.units, name=layer.name, use_bias=layer.bias_format is not None, kernel_initializer=start
            )
        tensors[layer.name] = made(sources if len(sources) > 1 else sources[0])
    return keras.Model(inputs, [tensors[name] for name in network.outputs], name=network.name)
