"""TensorFlow set up so that the same seed gives the same weights."""

from __future__ import annotations

from typing import Any

from firmware.network.keras2 import import_keras, import_tensorflow

__all__ = ["prepare"]


def prepare(seed: int) -> Any:
    """TensorFlow with deterministic operations, one thread where it can still be set, and all seeds set.

    Sums are split over threads, so their last bits depend on the number of threads. A process that already runs
    TensorFlow with more threads keeps them; worker processes always run one.

    Parameters
    ----------
    seed : int

    Returns
    -------
    module
        ``tensorflow``.
    """
    tf = import_tensorflow()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # its threads are running already
        pass
    tf.config.experimental.enable_op_determinism()
    import_keras().utils.set_random_seed(seed)
    return tf
