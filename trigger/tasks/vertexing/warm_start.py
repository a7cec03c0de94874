"""Where the weight network starts: at the logarithm of a ratio of densities, which alone beats FastHisto.

Trained from random weights by the vertex alone, a small quantised network often ends with every weight at zero, where
its last rectifier has no gradient. A few steps towards a sensible table, in front of that rectifier, avoid this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.keras2 import import_keras
from firmware.vertex.finder import WEIGHT
from trigger.tasks.vertexing.model import FinderPlan
from trigger.tasks.vertexing.samples import Blocks

__all__ = ["target_weights", "warm_start"]

_STEPS = 150
_RATE = 0.02
_RATIO_FACTOR = 3.0
_HIGH_FRACTION, _HIGH_WEIGHT = 0.99, 1.25
"""The tracks' 99% quantile of the target: below the largest word, which is near 2."""
_FULL_FRACTION, _FULL = 0.99, 0.8
"""The 99% quantile of the highest bin of an event, at most, as a fraction of what a bin can hold."""
_STARTS, _GOOD = 4, 0.5
"""Starts tried at most; one is good enough if it explains half of the target's variance."""


def target_weights(blocks: Blocks, plan: FinderPlan) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A weight for every combination of input words, and how much it matters.

    Parameters
    ----------
    blocks : Blocks
    plan : FinderPlan
        Its histogram limits the weights.

    Returns
    -------
    target : float32 array of shape (cells,)
        ``log(1 + 3 r)``, r the ratio of primary to other tracks, scaled.
    importance : float32 array of shape (cells,)
        Root of the number of tracks, of mean 1.
    """
    inside = blocks.event < blocks.z0_true.shape[1]
    cell, primary = blocks.cell[inside], blocks.is_primary[inside]
    cells = len(next(iter(blocks.inputs.values())))
    found = np.bincount(cell[primary], minlength=cells)
    other = np.bincount(cell[~primary], minlength=cells)
    target = np.log1p(_RATIO_FACTOR * found / (other + 1.0))
    target *= _HIGH_WEIGHT / max(float(np.quantile(target[cell], _HIGH_FRACTION)), 1e-6)
    highest = float(np.quantile(_highest_bins(blocks, plan, target), _FULL_FRACTION))
    capacity = plan.histogram.highest * plan.histogram.lsb
    target *= min(1.0, _FULL * capacity / max(highest, 1e-6))
    importance = np.sqrt(found + other)
    return target.astype(np.float32), (importance / importance.mean()).astype(np.float32)


def _highest_bins(blocks: Blocks, plan: FinderPlan, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest sum of weights in a bin, for every event of the first block."""
    events = blocks.z0_true.shape[1]
    tracks = slice(0, int(blocks.count[0]))
    bin = (blocks.z0[0, tracks].astype(np.int64) + (1 << 11)) >> plan.bin_shift
    place = blocks.event[0, tracks] * plan.bins + bin
    sums = np.bincount(place, weights=weights[blocks.cell[0, tracks]], minlength=events * plan.bins)
    return np.asarray(sums.reshape(events, plan.bins).max(axis=1), np.float64)


def warm_start(
    tf: Any, model: Any, cells: list[Any], blocks: Blocks, plan: FinderPlan, restart: Callable[[int], None]
) -> None:
    """Fit the weight network, in front of its last rectifier, to `target_weights`, by Adam on the squared difference.

    Small networks of few bits often start with dead units: the best of a few starts is taken.

    Parameters
    ----------
    tf : module
    model : tf_keras.Model
        Changed.
    cells : list of float tensors of shape (cells, 1)
        Its inputs for every combination.
    blocks : Blocks
    plan : FinderPlan
    restart : callable
        Gives the model new weights; called with the number of the start.
    """
    target, importance = target_weights(blocks, plan)
    good = _GOOD * float(np.mean(importance * (target - np.average(target, weights=importance)) ** 2))
    fit = _fit(tf, model, cells, tf.constant(target), tf.constant(importance))
    best, kept = np.inf, model.get_weights()
    for number in range(_STARTS):
        restart(number)
        loss = fit()
        if loss < best:
            best, kept = loss, model.get_weights()
        if best < good:
            break
    model.set_weights(kept)


def _fit(tf: Any, model: Any, cells: list[Any], target: Any, importance: Any) -> Callable[[], float]:
    """A function that fits from the weights that the model has, and returns the loss with its rectifier."""
    variables = model.trainable_variables
    before = import_keras().Model(model.inputs, model.get_layer(f"{WEIGHT}_sum").output)
    moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in variables]

    @tf.function(autograph=False)
    def step(done: Any) -> None:
        with tf.GradientTape() as tape:
            weight = before(cells, training=True)[:, 0]
            loss = tf.reduce_mean(importance * (weight - target) ** 2)
        for variable, (first, second), gradient in zip(variables, moments, tape.gradient(loss, variables), strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=first.handle, v=second.handle, beta1_power=0.9**done, beta2_power=0.999**done,
                lr=_RATE, beta1=0.9, beta2=0.999, epsilon=1e-7, grad=gradient,
            )  # fmt: skip

    def fit() -> float:
        for pair in moments:
            for moment in pair:
                moment.assign(tf.zeros_like(moment))
        for number in range(_STEPS):
            step(tf.constant(number + 1.0))
        return float(tf.reduce_mean(importance * (model(cells)[:, 0] - target) ** 2))

    return fit
