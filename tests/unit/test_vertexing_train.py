"""End-to-end training of a finder: losses by hand, the forward pass of the firmware, pruning, determinism."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from vertexing_events import made_events, shipped_events
from vertexing_finders import small_genome, with_random_weights

from firmware.network.layers import Dense
from firmware.network.qkeras_io import to_qkeras
from firmware.vertex.emulate import emulate_finder
from trigger.errors import UserError
from trigger.tasks.vertexing import fasthisto
from trigger.tasks.vertexing.losses import soft_position, trimmed_pseudo_huber, upper_quantile, window_losses
from trigger.tasks.vertexing.metrics import mean_efficiency, vertex_metrics
from trigger.tasks.vertexing.model import Z0_STEP_CM, association_sparsities, make_plan
from trigger.tasks.vertexing.rungs import keras_outputs, soft_position_cm, unlimited_outputs
from trigger.tasks.vertexing.samples import finder_events
from trigger.tasks.vertexing.space import SpaceSection
from trigger.tasks.vertexing.train import Models, TrainedFinder, fit_finder, tie_order
from trigger.tasks.vertexing.training_section import VertexTraining
from trigger.train.runtime import prepare

_GENOME = small_genome(association_sparsity=0.5)
_SETTINGS = VertexTraining(batch_size=64, learning_rate=0.04, ttbar_weight=2.0, association_tracks=512)


def _fit(seed: int = 3, quantised: bool = True, epochs: int = 6, **changes: object) -> TrainedFinder:
    plan = make_plan(_GENOME, SpaceSection())
    settings = replace(_SETTINGS, **changes)  # type: ignore[arg-type]  # of any key
    sparsity = association_sparsities(plan, _GENOME)
    return fit_finder(
        plan, shipped_events(1024), settings, sparsity=sparsity, epochs=epochs, seed=seed, quantised=quantised
    )


@pytest.fixture(scope="module")
def trained() -> TrainedFinder:
    return _fit()


def test_losses_by_hand() -> None:
    tf = prepare(0)
    logits = tf.constant(np.log([[0.1, 0.6, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]]), tf.float32)
    centres = tf.constant([-0.3, -0.1, 0.1, 0.3])
    truth = tf.constant([0.0, 0.9])  # two bins are right; none is near, so the nearest
    weights = tf.constant([1.5, 0.5])
    efficiency, likelihood = window_losses(tf, logits, centres, truth, 0.15, weights)
    assert float(efficiency) == pytest.approx(-(1.5 * 0.8 + 0.5 * 0.25) / 2, abs=1e-6)
    assert float(likelihood) == pytest.approx(-(1.5 * np.log(0.8) + 0.5 * np.log(0.25)) / 2, abs=1e-6)
    expected = [-0.03 - 0.06 + 0.02 + 0.03, 0.0]
    np.testing.assert_allclose(soft_position(tf, logits, centres), expected, atol=1e-6)
    residual = tf.constant([0.0, 0.05, -0.05, 10.0])
    assert float(trimmed_pseudo_huber(tf, residual, 0.05, 0.25)) == pytest.approx(0.0025 * 2 * (2**0.5 - 1) / 3)
    assert float(upper_quantile(tf, tf.range(10.0), 0.9)) == 9.0


def test_it_learns_more_than_fasthisto(trained: TrainedFinder) -> None:
    events = shipped_events(2048).take(np.arange(1024, 2048))
    outputs = emulate_finder(trained.plan.finder(), finder_events(events, 18), threads=1)
    found = vertex_metrics(outputs.z0 * Z0_STEP_CM, events, 0.15)
    baseline = vertex_metrics(fasthisto.float_position_cm(events), events, 0.15)
    assert mean_efficiency(found) > mean_efficiency(baseline)
    primary, other = (outputs.association[events.is_primary == kind].mean() for kind in (True, False))
    assert primary > other


def test_zeros_survive(trained: TrainedFinder) -> None:
    for layer in trained.plan.association.layers:
        if isinstance(layer, Dense):
            assert layer.kernel is not None
            assert trained.sparsity[layer.name] == np.mean(layer.kernel == 0) >= 0.5


def test_same_seed_same_words(trained: TrainedFinder) -> None:
    again = _fit()
    for name in ("weight", "pattern", "association"):
        for one, other in zip(getattr(trained.plan, name).layers, getattr(again.plan, name).layers, strict=True):
            np.testing.assert_array_equal(getattr(one, "kernel", None), getattr(other, "kernel", None))
    assert trained.loss == again.loss


def test_qkeras_and_firmware_find_the_same(trained: TrainedFinder) -> None:
    events = shipped_events(256)
    finder = trained.plan.finder()
    outputs = emulate_finder(finder, finder_events(events, 18), threads=1)
    models = keras_outputs(trained.plan, trained.models, events)
    np.testing.assert_array_equal(models.bin, outputs.bin)
    np.testing.assert_array_equal(models.kept, outputs.kept)
    for name in ("weight", "association"):
        fraction = getattr(finder, f"{name}_format").fraction
        np.testing.assert_array_equal(getattr(models, name), getattr(outputs, name) << (16 - fraction))


@pytest.mark.parametrize("choices", [{}, {"bins": 128, "kernel_size": 5, "dz_bits": 5, "histogram_bits": 8}])
def test_models_with_any_weights_find_the_same(choices: dict[str, int]) -> None:
    genome = small_genome(word_bits=5, **choices)
    plan = with_random_weights(make_plan(genome, SpaceSection(lanes=3, tracks_per_lane=40)), seed=4)
    models = Models(*(to_qkeras(network) for network in (plan.weight, plan.pattern, plan.association)))
    events = shipped_events(256)
    outputs = emulate_finder(plan.finder(), finder_events(events, 3), threads=1)
    found = keras_outputs(plan, models, events)
    np.testing.assert_array_equal(found.bin, outputs.bin)
    np.testing.assert_array_equal(found.truncated, outputs.truncated)
    np.testing.assert_array_equal(found.association == 0, outputs.association == 0)
    assert outputs.truncated.any()
    # The comparison notices a limit that only one side knows.
    other = keras_outputs(replace(plan, tracks_per_lane=39), models, events)
    assert (other.kept != outputs.kept).any()


def test_room_for_every_track() -> None:
    plan = with_random_weights(make_plan(small_genome(), SpaceSection(lanes=2, tracks_per_lane=30)))
    events = shipped_events(256).take(np.arange(64))
    assert unlimited_outputs(plan.finder(), events).kept.all()
    assert not emulate_finder(plan.finder(), finder_events(events, 2), threads=1).kept.all()


def test_soft_position_approaches_the_hard_one(trained: TrainedFinder) -> None:
    events = shipped_events(256)
    hard = keras_outputs(trained.plan, trained.models, events).z0 * Z0_STEP_CM
    sharp = soft_position_cm(trained.plan, trained.models, 1000.0, events)
    soft = soft_position_cm(trained.plan, trained.models, trained.sharpness, events)
    assert np.mean(np.abs(sharp - hard) < 0.001) > 0.95  # the rest are ties
    assert np.abs(soft - hard).max() > 0.01


def test_ties_go_to_the_middle() -> None:
    np.testing.assert_array_equal(tie_order(6), [2, 3, 1, 4, 0, 5])


def test_floating_point_and_published_losses_train() -> None:
    plain = _fit(quantised=False, epochs=1)
    assert plain.plan.weight.is_trained is False
    outputs = keras_outputs(plain.plan, plain.models, shipped_events(256))
    assert len(outputs.bin) == 256
    published = _fit(epochs=1, efficiency_loss=0.0, huber_loss=1.0, z_flip=False, weight_loss=0.0)
    assert np.isfinite(published.loss)


def test_bad_training_events_are_refused() -> None:
    plan = make_plan(_GENOME, SpaceSection())
    sparsity = association_sparsities(plan, _GENOME)
    with pytest.raises(UserError, match="at least one batch of 64, not 20"):
        fit_finder(plan, shipped_events(256).take(np.arange(20)), _SETTINGS, sparsity=sparsity, epochs=1, seed=1)
    pileup = made_events([[{}]] * 64, [0.0] * 64, [0] * 64)
    with pytest.raises(UserError, match="all of one kind"):
        fit_finder(plan, pileup, _SETTINGS, sparsity=sparsity, epochs=1, seed=1)
