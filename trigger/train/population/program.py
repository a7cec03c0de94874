"""Training steps of all candidates of a frame, compiled once for a frame and a batch size.

All that differs from one generation to the next enters as a tensor, the number of candidates included: nothing is
traced again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from firmware.network.keras2 import import_tensorflow
from trigger.train.population.frame import Frame
from trigger.train.population.graph import forward
from trigger.train.population.masks import Pruning, updated_masks
from trigger.train.population.quantisers import Format

__all__ = ["LOSSES", "Group", "State", "compiled_predictions", "compiled_steps"]

Loss = Callable[[Any, Any, Any], Any]

_KEPT = 32
"""Compiled frames that are kept; each holds a few megabytes."""


class State(NamedTuple):
    """What training changes; float32 tensors of shape (candidates, frame.n_parameters)."""

    parameters: Any
    first: Any
    """Adam's running mean of the gradient."""
    second: Any
    """Of its square."""
    masks: Any


class Group(NamedTuple):
    """What makes the candidates different from each other, and their events."""

    own: Any
    """(candidates, frame.n_parameters): 1 where a candidate has a parameter."""
    weight_formats: Any
    """(4, candidates, frame.n_parameters): the rows of `Format`."""
    formats: list[Any]
    """(4, candidates) for every node of ``frame.format_nodes``."""
    pruning: Pruning
    inputs: list[Any]
    """(candidates, events, *padded shape), a tensor an input node."""
    labels: Any
    """(events, *shape): what the loss compares the outputs with."""


def _cross_entropy(tf: Any, labels: Any, outputs: Any) -> Any:
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, outputs[..., 0])
    return tf.reduce_mean(losses, axis=1)


LOSSES: dict[str, Loss] = {"binary_cross_entropy": _cross_entropy}
"""``loss(tensorflow, labels (candidates, batch, ...), outputs (candidates, batch, ...)) -> (candidates,)``."""


@lru_cache(maxsize=_KEPT)
def compiled_steps(frame: Frame, batch: int, loss: str) -> Any:
    """A compiled ``run(state, group, rows, start, rates) -> (state, losses)``.

    Parameters
    ----------
    frame : Frame
        With one output.
    batch : int
    loss : str
        One of `LOSSES`.

    Returns
    -------
    callable
        ``rows``: int32 (steps, candidates, batch), the events of every step; ``start``: number of steps before, a
        float32 scalar; ``rates``: float32 (3,), highest and lowest learning rate, and steps of the whole training.
        ``losses``: float32 (candidates,), mean over these steps. Masks are updated before the first of them.
    """
    tf = import_tensorflow()
    (output,) = frame.skeleton.outputs

    def step(state: State, group: Group, rows: Any, done: Any, rates: Any) -> tuple[State, Any]:
        parameters = state.parameters * state.masks
        inputs = [tf.gather(tensor, rows, axis=1, batch_dims=1) for tensor in group.inputs]
        weight_formats = Format(*tf.unstack(group.weight_formats))
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            values = forward(frame, parameters, weight_formats, group.formats, inputs)
            losses = LOSSES[loss](tf, tf.gather(group.labels, rows), values[output])
            total = tf.reduce_sum(losses)  # no candidate's parameters enter the loss of another
        gradient = tape.gradient(total, parameters)
        rate = rates[1] + (rates[0] - rates[1]) * 0.5 * (1.0 + tf.cos(math.pi * (done - 1.0) / rates[2]))
        return _adam(tf, state._replace(parameters=parameters), gradient, done, rate), losses

    def run(state: State, group: Group, rows: Any, start: Any, rates: Any) -> tuple[State, Any]:
        masks = updated_masks(frame, state.parameters, state.masks, group.own, group.pruning, start)
        count = tf.shape(rows)[0]

        def body(at: Any, state: State, total: Any) -> tuple[Any, State, Any]:
            state, losses = step(state, group, rows[at], start + tf.cast(at, tf.float32) + 1.0, rates)
            return at + 1, state, total + losses

        _, state, total = tf.while_loop(
            lambda at, *_: at < count, body,
            (0, state._replace(masks=masks), tf.zeros_like(state.parameters[:, 0])), parallel_iterations=1,
        )  # fmt: skip
        return state, total / tf.cast(count, tf.float32)

    return tf.function(run, autograph=False, input_signature=_signature(tf, frame, batch))


@lru_cache(maxsize=_KEPT)
def compiled_predictions(frame: Frame) -> Any:
    """A compiled ``(parameters, weight formats, formats, inputs) -> values of the outputs``, on all given events."""
    tf = import_tensorflow()

    def run(parameters: Any, weight_formats: Any, formats: list[Any], inputs: list[Any]) -> list[Any]:
        values = forward(frame, parameters, Format(*tf.unstack(weight_formats)), formats, inputs)
        return [values[at] for at in frame.skeleton.outputs]

    wide = tf.TensorSpec((None, frame.n_parameters), tf.float32)
    signature = [
        wide,
        tf.TensorSpec((4, None, frame.n_parameters), tf.float32),
        _formats(tf, frame),
        _inputs(tf, frame),
    ]
    return tf.function(run, autograph=False, input_signature=signature)


def _adam(tf: Any, state: State, gradient: Any, done: Any, rate: Any) -> State:
    """One step of Adam, as TensorFlow's own operation computes it."""
    first = state.first + (gradient - state.first) * (1.0 - 0.9)
    second = state.second + (tf.square(gradient) - state.second) * (1.0 - 0.999)
    scale = rate * tf.sqrt(1.0 - tf.pow(0.999, done)) / (1.0 - tf.pow(0.9, done))
    parameters = state.parameters - scale * first / (tf.sqrt(second) + 1e-7)
    return state._replace(parameters=parameters, first=first, second=second)


def _formats(tf: Any, frame: Frame) -> list[Any]:
    return [tf.TensorSpec((4, None), tf.float32) for _ in frame.format_nodes]


def _inputs(tf: Any, frame: Frame) -> list[Any]:
    return [tf.TensorSpec((None, None, *frame.shapes[at]), tf.float32) for at in frame.input_nodes]


def _signature(tf: Any, frame: Frame, batch: int) -> list[Any]:
    wide = tf.TensorSpec((None, frame.n_parameters), tf.float32)
    by_layer = tf.TensorSpec((None, len(frame.parameters)), tf.float32)
    group = Group(
        own=wide,
        weight_formats=tf.TensorSpec((4, None, frame.n_parameters), tf.float32),
        formats=_formats(tf, frame),
        pruning=Pruning(by_layer, by_layer, tf.TensorSpec((4, None), tf.float32)),
        inputs=_inputs(tf, frame),
        labels=tf.TensorSpec((None,), tf.float32),
    )
    rows = tf.TensorSpec((None, None, batch), tf.int32)
    return [State(wide, wide, wide, wide), group, rows, tf.TensorSpec((), tf.float32), tf.TensorSpec((3,), tf.float32)]
