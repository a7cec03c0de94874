"""Quantisation-aware training of many networks side by side; one network of them trained alone gives the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.network import Network
from trigger.config.sections import TrainingSection
from trigger.train.events import Events
from trigger.train.fit import Trained
from trigger.train.metrics import check_two_classes
from trigger.train.population.frame import Frame
from trigger.train.population.groups import make_groups
from trigger.train.population.lay_out import (
    Placed,
    Weights,
    node_formats,
    pack_inputs,
    pack_weights,
    parameter_formats,
    place,
    unpack_weights,
    with_weights,
)
from trigger.train.population.masks import Pruning, own_parameters, pruning_of
from trigger.train.population.program import Group, State, compiled_steps
from trigger.train.population.start import start_weights
from trigger.train.pruning import check_sparsity, schedule_steps
from trigger.train.runtime import prepare

__all__ = ["Member", "fit_population"]


@dataclass(frozen=True)
class Member:
    """One candidate to train.

    Parameters
    ----------
    network : Network
        With one logit as its only output. If it has weights, training starts from them.
    events : Events
        As this network sees them.
    sparsity : mapping of str to float
        Fraction of weights to prune, by layer.
    seed : int
        Of initial weights and order of events.
    start : mapping of str to (kernel, bias), optional
        Real values to start from, by layer; default: those of `trigger.train.fit` for this seed.
    """

    network: Network
    events: Events
    sparsity: Mapping[str, float]
    seed: int
    start: Weights | None = None


def fit_population(
    members: Sequence[Member], settings: TrainingSection, *, epochs: int, memory_mb: float = 1024.0
) -> list[Trained | RuntimeError]:
    """Train networks side by side, as `trigger.train.fit` trains each of them.

    Schedules, start and order of events of a network are the same, and the same whatever is trained beside it. Words
    differ in a few last bits from those of `trigger.train.fit`, since gradients are summed in another order.

    Parameters
    ----------
    members : sequence of Member
        With the same events, in the same order, of any skeletons and widths.
    settings : TrainingSection
        ``epochs`` and ``train_events`` are not read: the caller decides.
    epochs : int
    memory_mb : float
        What the tensors of candidates that are trained at once may take.

    Returns
    -------
    list of Trained or RuntimeError
        In the order of ``members``; the error is that of this candidate alone: a loss that is not finite, or a lost
        sparsity.

    Raises
    ------
    UserError
        The events are none, or all of one class, a network cannot be trained in a population, or the memory is too
        small for one candidate.
    """
    if not members:
        return []
    labels = members[0].events.is_signal
    check_two_classes(labels, "the training set")
    assert all(np.array_equal(member.events.is_signal, labels) for member in members)
    tf = prepare(members[0].seed)
    batch = min(settings.batch_size, len(labels))
    results: list[Trained | RuntimeError] = [RuntimeError("not trained")] * len(members)
    groups = make_groups([member.network for member in members], len(labels), batch, memory_mb)
    for frame, indices in groups:
        chosen = [members[at] for at in indices]
        trained = _fit_group(tf, frame, chosen, settings, epochs, batch)
        for at, one in zip(indices, trained, strict=True):
            results[at] = one
    return results


def _fit_group(
    tf: Any, frame: Frame, members: Sequence[Member], settings: TrainingSection, epochs: int, batch: int
) -> list[Trained | RuntimeError]:
    placed = [place(frame, member.network) for member in members]
    events = len(members[0].events)
    steps = events // batch * epochs
    schedule = schedule_steps(steps, settings)
    own = own_parameters(frame, placed)
    start = np.stack([
        pack_weights(frame, one, member.start or start_weights(member.network, member.events, member.seed))
        for one, member in zip(placed, members, strict=True)
    ])  # fmt: skip
    timing = (schedule.begin, schedule.end, schedule.frequency, settings.pruning_power)
    pruning = pruning_of(frame, placed, [member.sparsity for member in members], timing)
    group = Group(
        own=tf.constant(own),
        weight_formats=tf.constant(np.stack([parameter_formats(frame, one) for one in placed], axis=1)),
        formats=[tf.constant(rows) for rows in node_formats(frame, placed)],
        pruning=Pruning(*map(tf.constant, pruning)),
        inputs=_inputs(tf, frame, placed, members),
        labels=tf.constant(members[0].events.is_signal.astype(np.float32)),
    )
    zeros = tf.zeros_like(group.own)
    state = State(tf.constant(start), zeros, zeros, group.own)
    rates = tf.constant([settings.learning_rate, settings.final_learning_rate, steps], tf.float32)
    run = compiled_steps(frame, batch, "binary_cross_entropy")
    losses: Any = None
    orders = [_Order(events, batch, member.seed) for member in members]
    for at in range(0, steps, schedule.frequency):
        count = min(schedule.frequency, steps - at)
        rows = np.stack([order.take(count) for order in orders], axis=1)
        state, losses = run(state, group, tf.constant(rows), tf.constant(at, tf.float32), rates)
    final = (state.parameters * state.masks).numpy()
    return [
        _trained(one, member, flat, float(loss))
        for one, member, flat, loss in zip(placed, members, final, losses.numpy(), strict=True)
    ]


def _inputs(tf: Any, frame: Frame, placed: Sequence[Placed], members: Sequence[Member]) -> list[Any]:
    packed = [pack_inputs(frame, one, member.events.words) for one, member in zip(placed, members, strict=True)]
    return [tf.constant(np.stack(column)) for column in zip(*packed, strict=True)]


class _Order:
    """Events of every step of one candidate: a new order each pass, the incomplete last batch left out."""

    def __init__(self, events: int, batch: int, seed: int) -> None:
        self._events, self._batch = events, batch
        self._random = np.random.default_rng(seed)
        self._left = np.zeros((0, batch), np.int32)

    def take(self, steps: int) -> NDArray[np.int32]:
        """Rows of the next steps, int32 of shape (steps, batch)."""
        while len(self._left) < steps:
            whole = self._events // self._batch * self._batch
            more = self._random.permutation(self._events)[:whole].astype(np.int32).reshape(-1, self._batch)
            self._left = np.concatenate([self._left, more])
        taken, self._left = self._left[:steps], self._left[steps:]
        return taken


def _trained(placed: Placed, member: Member, flat: NDArray[np.float32], loss: float) -> Trained | RuntimeError:
    if not math.isfinite(loss) or not np.isfinite(flat).all():
        return RuntimeError(f"the training loss must stay finite, and is {loss}; lower training.learning_rate")
    network = with_weights(member.network, unpack_weights(placed, flat))
    try:
        return Trained(network, check_sparsity(network, member.sparsity), loss)
    except RuntimeError as error:
        return error
