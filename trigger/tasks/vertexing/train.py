"""End-to-end training of a finder: weights, histogram, pattern, soft arg-max, association, in one compiled loop.

The weight network has few different inputs, so it is computed once a step for those that occur, and each track takes
its weight from there: the same function as for every track, several times faster. The association is trained on a
random part of the tracks. In the forward pass its distance is that of the firmware, to the centre of the bin of the
arg-max; the gradient is that of the soft position.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Input
from firmware.network.network import Network
from firmware.network.qkeras_io import to_qkeras
from firmware.vertex.finder import DISTANCE, PATTERN
from sim.events.tracks.events import TrackEvents
from trigger.errors import UserError
from trigger.tasks.vertexing.float_network import to_float
from trigger.tasks.vertexing.losses import soft_position, trimmed_pseudo_huber, upper_quantile, window_losses
from trigger.tasks.vertexing.model import Z0_STEP_CM, FinderPlan, kernel_start
from trigger.tasks.vertexing.samples import PROCESS_NAMES, Blocks, make_blocks
from trigger.tasks.vertexing.training_section import VertexTraining
from trigger.tasks.vertexing.warm_start import warm_start
from trigger.train.events import Events
from trigger.train.pruning import Pruner, check_sparsity
from trigger.train.runtime import prepare
from trigger.train.start import start_from_events
from trigger.train.weights import with_weights

_SHARPNESS = math.log(5.0)
"""Where training ends for most finders: smaller, and weights would grow into saturation to make up for it."""

__all__ = ["Models", "TrainedFinder", "fit_finder", "tie_order"]


@dataclass(frozen=True)
class Models:
    """The three Keras models of a finder: QKeras, or plain for the floating-point reference."""

    weight: Any
    pattern: Any
    association: Any


@dataclass(frozen=True)
class TrainedFinder:
    """A trained finder.

    Parameters
    ----------
    plan : FinderPlan
        With integer weights; of a floating-point training as it was given.
    models : Models
    sparsity : dict of str to float
        Fraction of zero words in every kernel of the association network, proven; empty for floating point.
    sharpness : float
        Factor of the pattern in the soft arg-max, as learnt.
    loss : float
        Mean of the last steps.
    """

    plan: FinderPlan
    models: Models
    sparsity: dict[str, float]
    sharpness: float
    loss: float


def tie_order(bins: int) -> NDArray[np.int64]:
    """Bins in the order in which equal ones are preferred: nearest the middle first, of two as near the lower."""
    bin = np.arange(bins)
    return np.lexsort((bin, np.abs(2 * bin - (bins - 1))))


def fit_finder(
    plan: FinderPlan, events: TrackEvents, settings: VertexTraining, *, sparsity: Mapping[str, float], epochs: int,
    seed: int, quantised: bool = True,
) -> TrainedFinder:  # fmt: skip
    """Train a finder.

    Parameters
    ----------
    plan : FinderPlan
        Untrained.
    events : TrackEvents
    settings : VertexTraining
        ``epochs`` and ``train_events`` are not read: the caller decides.
    sparsity : mapping of str to float
        Fraction of weights to prune, by layer of the association network.
    epochs : int
    seed : int
        Of initial weights and order of events; the same seed gives the same weights.
    quantised : bool
        False: in floating point, without histogram saturation and without pruning.

    Returns
    -------
    TrainedFinder

    Raises
    ------
    UserError
        Fewer events than one batch, or no primary track among them.
    RuntimeError
        The loss is no longer finite, or the sparsity was lost.
    """
    if len(events) < settings.batch_size:
        raise UserError(
            f"training events must be at least one batch of {settings.batch_size}, not {len(events)}; lower batch_size"
        )
    if not events.is_primary.any() or events.is_primary.all():
        raise UserError("training tracks must be of the primary vertex and of others, and are all of one kind")
    tf = prepare(seed)
    blocks = make_blocks(
        events, plan.features, lanes=plan.lanes, tracks_per_lane=plan.tracks_per_lane, size=settings.batch_size,
        seed=seed,
    )  # fmt: skip
    build = to_qkeras if quantised else to_float
    models = Models(*(build(net, seed=seed) for net in (plan.weight, plan.pattern, plan.association)))
    sample = _sample(plan, blocks, seed)
    start_from_events(models.association, plan.association, sample, seed)
    models.pattern.get_layer(PATTERN).set_weights([kernel_start(plan.kernel_size)])
    cells = [tf.constant(values) for values in _port_values(plan.weight, blocks.inputs)]
    warm_start(
        tf, models.weight, cells, blocks, plan,
        restart=lambda number: start_from_events(models.weight, plan.weight, sample, seed + number),
    )  # fmt: skip
    order = _order(len(blocks.count), epochs, seed)
    pruner = Pruner(models.association, sparsity if quantised else {}, len(order), settings)
    sharpness = tf.Variable(_SHARPNESS)
    run = _loop(
        tf, models, plan, blocks, cells, pruner, settings, sharpness, steps=len(order), seed=seed, quantised=quantised
    )
    losses = []
    chunk = pruner.frequency if pruner else len(order)
    for start in range(0, len(order), chunk):
        if pruner:
            pruner.update_masks(start)
        losses.append(run(tf.constant(order[start : start + chunk])))
    pruner.mask_weights()
    loss = float(losses[-1])
    if not math.isfinite(loss):
        raise RuntimeError(f"the training loss must stay finite, and is {loss}; lower training.learning_rate")
    tf.keras.backend.clear_session()
    if not quantised:
        return TrainedFinder(plan, models, {}, math.exp(float(sharpness)), loss)
    trained = replace(
        plan, weight=with_weights(plan.weight, models.weight), pattern=with_weights(plan.pattern, models.pattern),
        association=with_weights(plan.association, models.association),
    )  # fmt: skip
    proven = check_sparsity(trained.association, sparsity)
    return TrainedFinder(trained, models, proven, math.exp(float(sharpness)), loss)


def _order(blocks: int, epochs: int, seed: int) -> NDArray[np.int32]:
    random = np.random.default_rng(seed)
    return np.concatenate([random.permutation(blocks) for _ in range(epochs)]).astype(np.int32)


def _sample(plan: FinderPlan, blocks: Blocks, seed: int) -> Events:
    """Tracks of the first block with their distance to the true vertex, to scale first weights to."""
    tracks = slice(0, int(blocks.count[0]))
    cell = blocks.cell[0, tracks]
    words = {name: column[cell][:, None] for name, column in blocks.inputs.items()}
    truth = blocks.z0_true[0][np.minimum(blocks.event[0, tracks], blocks.z0_true.shape[1] - 1)] / Z0_STEP_CM
    distance = np.abs(blocks.z0[0, tracks] - np.floor(truth)).astype(np.int64) >> plan.distance_shift
    words[DISTANCE] = np.minimum(distance, _distance_format(plan).highest)[:, None]
    mixed = np.random.default_rng(seed).permutation(len(cell))  # tracks are sorted by event and sector
    labels = blocks.is_primary[0, tracks][mixed]
    return Events({name: column[mixed] for name, column in words.items()}, labels, np.zeros(len(cell)))


def _distance_format(plan: FinderPlan) -> FixedPoint:
    return next(port.format for port in plan.association.inputs if port.name == DISTANCE)


def _event_weights(process: NDArray[np.uint8], ttbar: float) -> NDArray[np.float32]:
    """Weight of every event, of mean 1 over all."""
    weights = np.where(process == PROCESS_NAMES.index("ttbar"), ttbar, 1.0)
    return (weights / weights.mean()).astype(np.float32)


def _port_values(network: Network, words: Mapping[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
    return [
        port.format.to_float(words[port.name])[:, None].astype(np.float32)
        for port in network.layers
        if isinstance(port, Input) and port.name in words
    ]


def _loop(
    tf: Any, models: Models, plan: FinderPlan, blocks: Blocks, cells: list[Any], pruner: Pruner,
    settings: VertexTraining, sharpness: Any, *, steps: int, seed: int, quantised: bool,
) -> Any:  # fmt: skip
    """A compiled function of an int32 tensor of blocks that trains on them and returns the mean loss."""
    size, bins, half = blocks.z0_true.shape[1], plan.bins, plan.kernel_size // 2
    # The pattern's input quantiser saturates as well, but lets gradients pass: weights would grow without end.
    full = plan.histogram.highest * plan.histogram.lsb if quantised else None
    named = [port.name for port in plan.association.inputs]
    association_cells = {
        name: tf.constant(port.format.to_float(blocks.inputs[name]).astype(np.float32))
        for name, port in zip(named, plan.association.inputs, strict=True)
        if name != DISTANCE
    }
    data = [
        tf.constant(array)
        for array in (blocks.cell, blocks.z0, blocks.event, blocks.is_primary.astype(np.float32), blocks.count,
                      blocks.z0_true, _event_weights(blocks.process, settings.ttbar_weight))
    ]  # fmt: skip
    middle = (1 << plan.bin_shift) // 2 - (1 << 11)
    centre_steps = tf.constant(((np.arange(bins) << plan.bin_shift) + middle).astype(np.float32))
    centres = centre_steps * Z0_STEP_CM
    preference = tf.constant(tie_order(bins).astype(np.int32))
    distance_format = _distance_format(plan)
    variables = [
        *models.weight.trainable_variables, *models.pattern.trainable_variables, sharpness,
        *models.association.trainable_variables,
    ]  # fmt: skip
    rates = [1.0] * (len(variables) - len(models.association.trainable_variables))
    rates += [settings.association_rate] * len(models.association.trainable_variables)
    moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in variables]
    counter = tf.Variable(0.0)

    def pattern_of(histogram: Any) -> Any:
        return models.pattern(tf.pad(histogram, [[0, 0], [half, half]])[..., None], training=True)[..., 0]

    def losses(pattern: Any, truth: Any, weights: Any) -> tuple[Any, Any]:
        logits = pattern * tf.exp(sharpness)
        position = soft_position(tf, logits, centres)
        total = 0.0
        if settings.efficiency_loss or settings.likelihood_loss:
            efficiency, likelihood = window_losses(tf, logits, centres, truth, settings.window_cm, weights)
            total += settings.efficiency_loss * efficiency + settings.likelihood_loss * likelihood
        if settings.huber_loss:
            total += settings.huber_loss * trimmed_pseudo_huber(
                tf, position - truth, settings.huber_delta_cm, settings.huber_trim
            )
        return total, position

    def association_loss(pattern: Any, position: Any, tracks: Any, block: Any) -> Any:
        cell, z0, event, primary = (tf.gather(data[at][block], tracks) for at in range(4))
        best = tf.gather(preference, tf.argmax(tf.gather(pattern, preference, axis=1), axis=1))
        z0 = tf.cast(z0, tf.float32)
        hard = tf.abs(z0 - tf.gather(tf.gather(centre_steps, best), event))
        words = tf.minimum(tf.floor(hard / 2.0**plan.distance_shift), float(distance_format.highest))
        soft = tf.abs(z0 - tf.gather(position, event) / Z0_STEP_CM) / 2.0**plan.distance_shift
        distance = (soft + tf.stop_gradient(words - soft)) * distance_format.lsb
        inputs = [
            (distance if name == DISTANCE else tf.gather(association_cells[name], cell))[:, None] for name in named
        ]
        logits = models.association(inputs, training=True)[:, 0]
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(primary, logits))

    def step(block: Any) -> Any:
        pruner.mask_weights()
        done = counter.assign_add(1.0)
        limit = data[4][block]
        tracks = tf.random.stateless_uniform(
            (settings.association_tracks,), [seed, tf.cast(done, tf.int32)], maxval=limit, dtype=tf.int32
        )
        with tf.GradientTape() as tape:
            by_cell = models.weight(cells, training=True)[:, 0]
            weight = tf.gather(by_cell, data[0][block])
            bin = tf.bitwise.right_shift(data[1][block] + (1 << 11), plan.bin_shift)
            place = data[2][block] * bins + bin
            sums = tf.math.unsorted_segment_sum(weight, place, (size + 1) * bins)
            histogram = tf.reshape(sums, (size + 1, bins))[:-1]
            if full is not None:
                histogram = tf.minimum(histogram, full)
            truth = data[5][block]
            pattern = pattern_of(histogram)
            total, position = losses(pattern, truth, data[6][block])
            if settings.z_flip:
                mirrored, _ = losses(pattern_of(histogram[:, ::-1])[:, ::-1], truth, data[6][block])
                total = 0.5 * (total + mirrored)
            total += settings.association_loss * association_loss(pattern, position, tracks, block)
            if settings.weight_loss:
                q90 = upper_quantile(tf, tf.gather(weight, tracks), 0.9)
                total += settings.weight_loss * tf.abs(q90 - 1.0)
        gradients = tape.gradient(total, variables)
        highest, lowest = settings.learning_rate, settings.final_learning_rate
        rate = lowest + (highest - lowest) * 0.5 * (1.0 + tf.cos(math.pi * (done - 1.0) / steps))
        for variable, (first, second), gradient, factor in zip(variables, moments, gradients, rates, strict=True):
            if gradient is None:  # no loss reads the sharpness
                continue
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=first.handle, v=second.handle, beta1_power=0.9**done, beta2_power=0.999**done,
                lr=rate * factor, beta1=0.9, beta2=0.999, epsilon=1e-7, grad=tf.convert_to_tensor(gradient),
            )  # fmt: skip
        return total

    # Without autograph: the graph is the same, and the conversion of every layer's source is what would take longest.
    @tf.function(autograph=False, input_signature=[tf.TensorSpec((None,), tf.int32)])
    def run(order: Any) -> Any:
        count = tf.shape(order)[0]
        _, total = tf.while_loop(
            lambda at, _: at < count,
            lambda at, total: (at + 1, total + step(order[at])),
            (0, 0.0),
            parallel_iterations=1,
        )
        return total / tf.cast(count, tf.float32)

    return run
