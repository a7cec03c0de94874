"""Where training starts: kernels and biases scaled to the events, so that no unit is dead or always on.

Shape variables fill a small part of their range, far from zero. Kernels drawn without regard to that give sums that are
nearly constant, and a rectifier behind them that is open or shut for all events; small networks then often never learn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Concatenate, Dense, Input, Relu
from firmware.network.network import Network
from trigger.errors import UserError
from trigger.train.events import Events

__all__ = ["start_from_events"]

_EVENTS = 2000
_OPEN = 0.5
"""Mean of a sum before its rectifier, in its standard deviations: a unit is open for about 70% of events."""


def start_from_events(model: Any, network: Network, events: Events, seed: int) -> None:
    """Set the weights of an untrained model of dense layers.

    Kernels are normal; each unit's is scaled so that its sum has unit standard deviation over the first events, as far
    as the format's range allows, and its bias puts the mean at `_OPEN` (at 0 in an output layer).

    Parameters
    ----------
    model : tf_keras.Model
        Changed.
    network : Network
        Its description.
    events : Events
    seed : int

    Raises
    ------
    UserError
        A layer is none of Input, Concatenate, Dense, Relu.
    """
    random = np.random.default_rng(seed)
    values: dict[str, NDArray[np.float64]] = {}
    for layer in network.layers:
        if isinstance(layer, Input):
            values[layer.name] = layer.format.to_float(events.words[layer.name][:_EVENTS])
        elif isinstance(layer, Concatenate):
            values[layer.name] = np.concatenate([values[source] for source in layer.sources], axis=1)
        elif isinstance(layer, Relu):
            values[layer.name] = np.clip(values[layer.source], 0, _highest(layer.format))
        elif isinstance(layer, Dense):
            centre = 0.0 if layer.name in network.outputs else _OPEN
            kernel, bias = _dense(layer, values[layer.source], centre, random)
            model.get_layer(layer.name).set_weights([kernel] if layer.bias_format is None else [kernel, bias])
            values[layer.name] = values[layer.source] @ kernel + bias
        else:
            raise UserError(f"layer '{layer.name}' of a network to train must be dense, not {type(layer).__name__}")


def _dense(
    layer: Dense, inputs: NDArray[np.float64], centre: float, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    kernel = random.normal(size=(inputs.shape[1], layer.units))
    spread = (inputs @ kernel).std(axis=0)
    # Scaled down, not clipped, and each unit to a limit of its own: equal weights would be ties for the pruning, which
    # keeps all of them and then misses its sparsity.
    limit = _highest(layer.kernel_format) * random.uniform(0.5, 1.0, layer.units)
    kernel = kernel * np.minimum(1 / np.maximum(spread, 1e-6), limit / np.abs(kernel).max(axis=0))
    bias = centre - (inputs @ kernel).mean(axis=0)
    if layer.bias_format is None:
        return kernel, np.zeros(layer.units)
    return kernel, np.clip(bias, -_highest(layer.bias_format), _highest(layer.bias_format))


def _highest(fmt: FixedPoint) -> float:
    return fmt.highest * fmt.lsb
