"""Training: it learns, it prunes to the integers, and the same seed gives the same words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware.network.layers import Dense
from firmware.network.network import Network
from firmware.network.qkeras_build import to_qkeras
from firmware.network.qkeras_run import predict_words
from firmware.network.reference import evaluate
from trigger.config.sections import TrainingSection
from trigger.errors import UserError
from trigger.tasks.hgcal.genome import Genome, HiddenGene, OutputGene
from trigger.tasks.hgcal.network import OUTPUT, build, event_words, ports, sparsities
from trigger.tasks.hgcal.sections import SpaceSection
from trigger.train import Events, Trained, fit
from trigger.train.metrics import auc
from trigger.train.pruning import check_sparsity, kept_weights, schedule_steps
from trigger.train.start import start_from_events

_GENOME = Genome(
    inputs=(("firstlayer", 5), ("srrmean", 6), ("hoe", 5), ("meanz", 1)),
    hidden=(HiddenGene(7, 6, 5, 0.5), HiddenGene(5, 5, 5, 0.0)),
    output=OutputGene(5, 0.25),
)
_SETTINGS = TrainingSection(batch_size=64, learning_rate=0.02)


@pytest.fixture(scope="module")
def events() -> Events:
    random = np.random.default_rng(2)
    signal = random.random(2000) < 0.5
    columns = {
        "firstlayer": 32 * np.clip(random.normal(0.4 + 0.2 * signal, 0.1), 0, 1),
        "srrmean": 0.01 * np.clip(random.normal(0.6 - 0.3 * signal, 0.2), 0, 1),
        "hoe": 4 * random.random(2000),
        "meanz": random.uniform(320, 448, 2000),
    }
    return Events(event_words(_GENOME, columns), signal, np.full(2000, 2.0))


@pytest.fixture(scope="module")
def network() -> Network:
    return build(_GENOME, SpaceSection())


@pytest.fixture(scope="module")
def trained(network: Network, events: Events) -> Trained:
    return fit(network, events, _SETTINGS, sparsity=sparsities(_GENOME), epochs=10, seed=4)


def test_ports() -> None:
    assert ports(_GENOME) == {"bits1": ("meanz",), "bits5": ("firstlayer", "hoe"), "bits6": ("srrmean",)}


def test_input_words(events: Events) -> None:
    assert {name: words.shape for name, words in events.words.items()} == {
        "bits1": (2000, 1), "bits5": (2000, 2), "bits6": (2000, 1),
    }  # fmt: skip
    for name, words in events.words.items():
        assert words.min() >= 0
        assert words.max() < 2 ** int(name.removeprefix("bits"))


def test_it_learns(trained: Trained, events: Events) -> None:
    words = evaluate(trained.network, events.words)[OUTPUT].words[:, 0]
    assert auc(words[events.is_signal], words[~events.is_signal]) > 0.9


def test_words_are_those_of_the_qkeras_model(trained: Trained, events: Events) -> None:
    words = predict_words(to_qkeras(trained.network), trained.network, events.words)[OUTPUT]
    np.testing.assert_array_equal(words[:, 0], evaluate(trained.network, events.words)[OUTPUT].words[:, 0])


def test_sparsity_survives_in_every_layer(trained: Trained) -> None:
    for name, kept in {"hidden1": 14, "score": 4}.items():
        layer = trained.network.layer(name)
        assert isinstance(layer, Dense)
        assert layer.kernel is not None
        assert np.count_nonzero(layer.kernel) <= kept
    assert trained.sparsity["hidden1"] >= 0.5
    # Not a proof by an empty network: the layer that was not pruned is not sparse.
    assert trained.sparsity["hidden2"] < 0.4


def test_lost_zeros_are_noticed(trained: Trained) -> None:
    layer = trained.network.layer("hidden1")
    assert isinstance(layer, Dense)
    assert layer.kernel is not None
    kernel = layer.kernel.copy()
    kernel[tuple(np.argwhere(kernel == 0)[0])] = 1
    changed = tuple(replace(layer, kernel=kernel) if one is layer else one for one in trained.network.layers)
    wanted = {"hidden1": float(trained.sparsity["hidden1"])}
    assert check_sparsity(trained.network, wanted)
    with pytest.raises(RuntimeError, match="sparsity of layer 'hidden1' must leave at least"):
        check_sparsity(replace(trained.network, layers=changed), wanted)


def test_same_seed_same_weights(network: Network, trained: Trained, events: Events) -> None:
    again = fit(network, events, _SETTINGS, sparsity=sparsities(_GENOME), epochs=10, seed=4)
    other = fit(network, events, _SETTINGS, sparsity=sparsities(_GENOME), epochs=10, seed=5)
    for name in ("hidden1", "hidden2", "score"):
        one, same, differs = (made.network.layer(name) for made in (trained, again, other))
        assert isinstance(one, Dense)
        assert isinstance(same, Dense)
        assert isinstance(differs, Dense)
        np.testing.assert_array_equal(one.kernel, same.kernel)
        np.testing.assert_array_equal(one.bias, same.bias)
        assert not np.array_equal(one.kernel, differs.kernel)


def test_start_has_no_ties_and_no_dead_units(network: Network, events: Events) -> None:
    """Also where a variable hardly varies, so that kernels reach the end of their range."""
    narrow = Events({name: words // 8 for name, words in events.words.items()}, events.is_signal, events.eta)
    for given in (events, narrow):
        model = to_qkeras(network)
        start_from_events(model, network, given, seed=3)
        kernel, bias = model.get_layer("hidden1").get_weights()
        assert len(np.unique(np.abs(kernel))) == kernel.size
        assert np.abs(kernel).max() < 4
        joined = np.concatenate([given.words[p.name] * p.format.lsb for p in network.inputs], axis=1)
        is_open = (joined @ kernel + bias > 0).mean(axis=0)
        assert (is_open > 0.2).all()


def test_one_class_is_refused(network: Network, events: Events) -> None:
    only = Events(events.words, np.ones(2000, dtype=bool), events.eta)
    with pytest.raises(UserError, match="the training set must hold signal and background"):
        fit(network, only, _SETTINGS, sparsity={}, epochs=1, seed=1)


@pytest.mark.parametrize("steps", [1, 2, 7, 40, 400, 10_000])
def test_masks_are_final_before_the_end(steps: int) -> None:
    """The library updates masks at ``begin + n * frequency`` up to ``end``: the loop has to stop there too."""
    schedule = schedule_steps(steps, TrainingSection())
    assert schedule.begin % schedule.frequency == schedule.end % schedule.frequency == 0
    assert 0 <= schedule.begin < schedule.end
    assert schedule.end < steps or steps <= 2


def test_kept_weights_by_hand() -> None:
    # 30 * 0.35 is 10.500001 as the library computes it, in float32 from the start, and not 10.5.
    cases = ((28, 0.65), (30, 0.65), (3, 0.25), (1, 0.9), (10, 0.0))
    assert [kept_weights(n, s) for n, s in cases] == [10, 11, 2, 1, 10]
