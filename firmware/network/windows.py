"""Windows of convolutions and poolings, laid out as TensorFlow lays them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware.network.layers import (
    AveragePooling1D,
    AveragePooling2D,
    Conv1D,
    Conv2D,
    MaxPooling1D,
    MaxPooling2D,
    Shape,
)

__all__ = ["WindowedLayer", "geometry", "padding_amounts", "windows"]

WindowedLayer = Conv1D | Conv2D | MaxPooling1D | MaxPooling2D | AveragePooling1D | AveragePooling2D


def geometry(layer: WindowedLayer) -> tuple[Shape, Shape]:
    """Window lengths and strides, one value an axis."""
    size = layer.kernel_size if isinstance(layer, Conv1D | Conv2D) else layer.pool_size
    return (
        (size,) if isinstance(size, int) else size,
        (layer.strides,) if isinstance(layer.strides, int) else layer.strides,
    )


def padding_amounts(layer: WindowedLayer, shape: Shape) -> tuple[tuple[int, int], ...]:
    """Positions added (before, after) along each spatial axis of an input of ``shape`` (channels last).

    With ``same`` padding TensorFlow adds what the last window lacks, and the odd one behind.
    """
    sizes, strides = geometry(layer)
    if layer.padding == "valid":
        return ((0, 0),) * len(sizes)
    amounts = []
    for length, size, stride in zip(shape[:-1], sizes, strides, strict=True):
        missing = max((-(-length // stride) - 1) * stride + size - length, 0)
        amounts.append((missing // 2, missing - missing // 2))
    return tuple(amounts)


def windows(layer: WindowedLayer, words: NDArray[np.int64], fill: int) -> NDArray[np.int64]:
    """All windows of an array.

    Parameters
    ----------
    words : int64 array of shape (events, *spatial, channels)
    fill : int
        Word at padded positions.

    Returns
    -------
    int64 array of shape (events, *spatial out, *window, channels)
    """
    sizes, strides = geometry(layer)
    amounts = ((0, 0), *padding_amounts(layer, words.shape[1:]), (0, 0))
    padded = np.pad(words, amounts, constant_values=fill)
    axes = tuple(range(1, 1 + len(sizes)))
    view = np.lib.stride_tricks.sliding_window_view(padded, sizes, axis=axes)
    view = view[(slice(None), *(slice(None, None, stride) for stride in strides))]
    return np.moveaxis(view, 1 + len(sizes), -1)
