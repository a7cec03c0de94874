"""Pruning masks of all candidates: the polynomial schedule and the magnitude rule of tensorflow-model-optimization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from firmware.network.keras2 import import_tensorflow
from trigger.train.population.frame import Frame
from trigger.train.population.lay_out import Placed

__all__ = ["Pruning", "own_parameters", "pruning_of", "updated_masks"]


class Pruning(NamedTuple):
    """How every candidate is pruned."""

    sparsity: Any
    """Wanted at the end; float32 of shape (candidates, weighted nodes), in the order of ``frame.parameters``."""
    sizes: Any
    """Weights of its own kernels; float32 of that shape."""
    schedule: Any
    """First step, last step, steps between two updates, exponent; float32 of shape (4, candidates)."""


def pruning_of(
    frame: Frame, placed: Sequence[Placed], sparsities: Sequence[Mapping[str, float]], schedule: Sequence[float]
) -> Pruning:
    """Pruning of a group, as arrays.

    Parameters
    ----------
    frame : Frame
    placed : sequence of Placed
    sparsities : sequence of mapping of str to float
        Wanted sparsity by layer, of every candidate.
    schedule : sequence of float
        First step, last step, steps between two updates, exponent.
    """
    shape = (len(placed), len(frame.parameters))
    sparsity, sizes = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for row, (one, wanted) in enumerate(zip(placed, sparsities, strict=True)):
        for column, parameters in enumerate(frame.parameters):
            name = one.drawn.names[parameters.node]
            sparsity[row, column] = wanted.get(name, 0.0)
            sizes[row, column] = one.parameter_indices[name][0].size
    return Pruning(sparsity, sizes, np.tile(np.array(schedule, np.float32)[:, None], (1, len(placed))))


def own_parameters(frame: Frame, placed: Sequence[Placed]) -> np.ndarray:
    """1 where a candidate has a parameter, else 0; float32 of shape (candidates, frame.n_parameters)."""
    own = np.zeros((len(placed), frame.n_parameters), np.float32)
    for row, one in zip(own, placed, strict=True):
        for kernel_at, bias_at in one.parameter_indices.values():
            row[kernel_at] = 1
            if bias_at is not None:
                row[bias_at] = 1
    return own


def updated_masks(frame: Frame, parameters: Any, masks: Any, own: Any, pruning: Pruning, step: Any) -> Any:
    """The masks from this step on.

    Of every pruned kernel the largest weights stay, all of those that equal the smallest one kept included.

    Parameters
    ----------
    frame : Frame
    parameters, masks, own : float32 tensors of shape (candidates, frame.n_parameters)
    pruning : Pruning
    step : float32 scalar tensor

    Returns
    -------
    float32 tensor of that shape
    """
    tf = import_tensorflow()
    begin, end, frequency, power = tf.unstack(pruning.schedule)
    passed = tf.minimum(1.0, tf.maximum(0.0, (step - begin) / (end - begin)))
    left = tf.pow(1.0 - passed, power)[:, None]
    now = (0.0 - pruning.sparsity) * left + pruning.sparsity
    kept = tf.cast(tf.maximum(tf.round(pruning.sizes * (1.0 - now)), 1.0), tf.int32)
    due = (step >= begin) & (step <= end) & tf.equal(tf.math.floormod(step - begin, frequency), 0.0)
    due = due[:, None] & (pruning.sparsity > 0.0)
    parts = []
    for column, one in enumerate(frame.parameters):
        # Padding counts as below any weight, so that it never is among those kept.
        size = tf.where(own[:, one.kernel] > 0, tf.abs(parameters[:, one.kernel]), -1.0)
        falling = tf.sort(size, axis=1, direction="DESCENDING")
        threshold = tf.gather(falling, kept[:, column : column + 1] - 1, batch_dims=1)
        new = tf.cast(size >= threshold, tf.float32)
        parts.append(tf.where(due[:, column : column + 1], new, masks[:, one.kernel]))
        parts.append(masks[:, one.bias])
    return tf.concat(parts, axis=1)
