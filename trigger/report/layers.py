"""The layers of a network as a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Conv1D, Conv2D, Dense, Input
from firmware.network.network import Network
from trigger.report.table import DASH, Html, count, percent, table

__all__ = ["layers_table", "weight_counts"]

_HEAD = ("layer", "kind", "shape", "weights are", "values are", "weights", "non-zero", "zero")
_CAPTION = "Layers; ap_fixed<bits, integer bits with the sign>, round half to even, saturating"


def layers_table(network: Network, caption: str = _CAPTION) -> Html:
    """Formats, weights and zeros of every layer but the inputs.

    Parameters
    ----------
    network : Network
    caption : str

    Returns
    -------
    Html
    """
    rows = [_row(network, layer) for layer in network.layers if not isinstance(layer, Input)]
    return table(_HEAD, rows, numeric=(5, 6, 7), caption=caption)


def weight_counts(network: Network) -> tuple[int, int]:
    """Weights of all kernels together, and how many of them are not zero as integers."""
    kernels = [
        layer.kernel
        for layer in network.layers
        if isinstance(layer, Dense | Conv1D | Conv2D) and layer.kernel is not None
    ]
    return sum(int(kernel.size) for kernel in kernels), sum(int(np.count_nonzero(kernel)) for kernel in kernels)


def _row(network: Network, layer: Any) -> tuple[object, ...]:
    weighted = isinstance(layer, Dense | Conv1D | Conv2D)
    kernel = layer.kernel if weighted else None
    output = getattr(layer, "format", None)
    values = _short(output) if output is not None else "exact"
    shape = " \u00d7 ".join(map(str, network.shapes[layer.name]))
    kind = type(layer).__name__
    if kernel is None or not kernel.size:
        return (layer.name, kind, shape, DASH, values, DASH, DASH, DASH)
    kept = int(np.count_nonzero(kernel))
    zero = percent(1 - kept / kernel.size, 1)
    return (layer.name, kind, shape, _short(layer.kernel_format), values, count(int(kernel.size)), count(kept), zero)


def _short(format: FixedPoint) -> str:
    """The C++ type without the modes, which are the same everywhere."""
    return format.ap_type.split(",AP_")[0] + ">"
