"""Where the weight network starts: at the logarithm of a ratio of densities, which alone beats FastHisto.

Trained from random weights by the vertex alone, a small quantised network often ends with every weight at zero, where
its last rectifier has no gradient. A few steps towards a sensible table, in front of that rectifier, avoid this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.keras2 import import_keras
from firmware.vertex.finder import WEIGHT
from trigger.tasks.vertexing.samples import Blocks

__all__ = ["target_weights", "warm_start"]

_STEPS = 150
_RATE = 0.02
_RATIO_FACTOR = 3.0
_HIGH_FRACTION, _HIGH_WEIGHT = 0.99, 1.25
"""The tracks' 99% quantile of the target: below the largest word, which is near 2."""


def target_weights(blocks: Blocks) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A weight for every combination of input words, and how much it matters.

    Parameters
    ----------
    blocks : Blocks

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
    importance = np.sqrt(found + other)
    return target.astype(np.float32), (importance / importance.mean()).astype(np.float32)


def warm_start(tf: Any, model: Any, cells: list[Any], blocks: Blocks) -> None:
    """Fit the weight network, in front of its last rectifier, to `target_weights`, by Adam on the squared difference.

    Parameters
    ----------
    tf : module
    model : tf_keras.Model
        Changed.
    cells : list of float tensors of shape (cells, 1)
        Its inputs for every combination.
    blocks : Blocks
    """
    target, importance = (tf.constant(array) for array in target_weights(blocks))
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

    for number in range(_STEPS):
        step(tf.constant(number + 1.0))
