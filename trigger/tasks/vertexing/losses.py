"""The losses of the vertex finder, for one batch, as TensorFlow operations."""

from __future__ import annotations

from typing import Any

__all__ = ["soft_position", "trimmed_pseudo_huber", "upper_quantile", "window_losses"]


def window_losses(tf: Any, logits: Any, centres: Any, truth: Any, window_cm: float, weights: Any) -> tuple[Any, Any]:
    """Minus the probability of a right bin, and minus its logarithm, as weighted means over events.

    Parameters
    ----------
    tf : module
    logits : float tensor of shape (events, bins)
    centres : float tensor of shape (bins,)
        In cm.
    truth : float tensor of shape (events,)
        In cm.
    window_cm : float
        A bin is right if its centre is nearer to the truth than this; the nearest bin always is.
    weights : float tensor of shape (events,)
        Of mean 1.

    Returns
    -------
    efficiency, likelihood : scalar tensors
    """
    distance = tf.abs(centres[None, :] - truth[:, None])
    nearest = distance <= tf.reduce_min(distance, axis=1, keepdims=True)
    right = tf.logical_or(distance < window_cm, nearest)
    logarithm = tf.reduce_logsumexp(tf.where(right, logits, -1e9), axis=1) - tf.reduce_logsumexp(logits, axis=1)
    return -tf.reduce_mean(weights * tf.exp(logarithm)), -tf.reduce_mean(weights * logarithm)


def soft_position(tf: Any, logits: Any, centres: Any) -> Any:
    """Mean of the bins' centres under the softmax of the logits, shape (events,)."""
    return tf.linalg.matvec(tf.nn.softmax(logits), centres)


def trimmed_pseudo_huber(tf: Any, residual: Any, delta: float, trim: float) -> Any:
    """Mean of ``delta**2 (sqrt(1 + (r / delta)**2) - 1)`` without the worst fraction ``trim`` of the events."""
    loss = delta**2 * (tf.sqrt(1.0 + (residual / delta) ** 2) - 1.0)
    kept = max(round(int(residual.shape[0]) * (1.0 - trim)), 1)
    return tf.reduce_mean(tf.sort(loss)[:kept])


def upper_quantile(tf: Any, values: Any, fraction: float) -> Any:
    """The value that a fraction of the values does not exceed; values of static shape (n,)."""
    count = int(values.shape[0])
    return tf.sort(values)[min(int(fraction * count), count - 1)]
