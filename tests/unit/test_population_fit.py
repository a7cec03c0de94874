"""Training side by side: like training alone, whatever is beside it, with nothing traced anew and bounded memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense
from firmware.network.network import Network
from firmware.network.qkeras_io import to_qkeras
from firmware.network.reference import evaluate
from trigger.config.sections import TrainingSection
from trigger.errors import UserError
from trigger.tasks.hgcal.genome import Genome, HiddenGene, OutputGene
from trigger.tasks.hgcal.network import OUTPUT, build, event_words, sparsities
from trigger.tasks.hgcal.sections import SpaceSection
from trigger.train import Events, Trained, fit
from trigger.train.metrics import auc
from trigger.train.population import Member, check_promoted, fit_population
from trigger.train.population.groups import candidate_bytes, make_groups, padded_frame
from trigger.train.population.lay_out import pack_weights, place, unpack_weights
from trigger.train.population.masks import Pruning, own_parameters, pruning_of, updated_masks
from trigger.train.population.program import compiled_steps
from trigger.train.population.start import own_weights, start_weights
from trigger.train.pruning import Pruner, schedule_steps

SETTINGS = TrainingSection(batch_size=64, learning_rate=0.02)
ALL = (("firstlayer", 5), ("srrmean", 6), ("hoe", 5), ("meanz", 2))
GENOMES = (
    Genome(ALL, (HiddenGene(7, 6, 5, 0.5), HiddenGene(5, 5, 5, 0.0)), OutputGene(5, 0.25)),
    Genome(ALL[:2], (HiddenGene(6, 4, 6, 0.65), HiddenGene(8, 6, 4, 0.5)), OutputGene(6, 0.0)),
    Genome((("srrmean", 3),), (HiddenGene(4, 5, 4, 0.0), HiddenGene(3, 8, 8, 0.8)), OutputGene(4, 0.0)),
    Genome(ALL, (HiddenGene(12, 5, 5, 0.8),), OutputGene(5, 0.5)),
    Genome(ALL[1:], (), OutputGene(6, 0.0)),
)


def make_member(number: int, sample: int = 1500) -> Member:
    random = np.random.default_rng(2)
    signal = random.random(sample) < 0.5
    columns = {
        "firstlayer": 32 * np.clip(random.normal(0.4 + 0.2 * signal, 0.1), 0, 1),
        "srrmean": 0.01 * np.clip(random.normal(0.6 - 0.3 * signal, 0.2), 0, 1),
        "hoe": 4 * random.random(sample),
        "meanz": random.uniform(320, 448, sample),
    }
    genome = GENOMES[number]
    events = Events(event_words(genome, columns), signal, np.full(sample, 2.0))
    return Member(build(genome, SpaceSection()), events, sparsities(genome), seed=10 + number)


@pytest.fixture(scope="module")
def members() -> list[Member]:
    return [make_member(number) for number in range(len(GENOMES))]


@pytest.fixture(scope="module")
def together(members: list[Member]) -> list[Trained | RuntimeError]:
    return fit_population(members, SETTINGS, epochs=8)


def kernels(network: Network) -> list[np.ndarray]:
    return [layer.kernel for layer in network.layers if isinstance(layer, Dense) and layer.kernel is not None]


def area(network: Network, events: Events) -> float:
    words = evaluate(network, events.words)[OUTPUT].words[:, 0]
    return auc(words[events.is_signal], words[~events.is_signal])


@pytest.mark.parametrize("number", range(len(GENOMES)))
def test_like_training_alone(number: int, members: list[Member], together: list[Trained | RuntimeError]) -> None:
    """Schedules, start and order of events are those of ``fit``; sums of gradients are in another order."""
    member, made = members[number], together[number]
    alone = fit(
        member.network, member.events, SETTINGS, sparsity=member.sparsity, epochs=8, seed=member.seed
    )  # fmt: skip
    assert isinstance(made, Trained)
    assert made.sparsity == pytest.approx(alone.sparsity, abs=0.1)
    assert area(made.network, member.events) == pytest.approx(area(alone.network, member.events), abs=0.01)
    same = [one == other for one, other in zip(kernels(made.network), kernels(alone.network), strict=True)]
    assert np.mean(np.concatenate([one.ravel() for one in same])) > 0.8


def test_it_learns(members: list[Member], together: list[Trained | RuntimeError]) -> None:
    areas = [
        area(one.network, own.events) for one, own in zip(together, members, strict=True) if isinstance(one, Trained)
    ]
    assert max(areas) > 0.9


def test_company_changes_nothing(members: list[Member], together: list[Trained | RuntimeError]) -> None:
    again = fit_population([members[1], members[3]], SETTINGS, epochs=8, memory_mb=5)
    for one, number in zip(again, (1, 3), strict=True):
        other = together[number]
        assert isinstance(one, Trained)
        assert isinstance(other, Trained)
        for kernel, same in zip(kernels(one.network), kernels(other.network), strict=True):
            np.testing.assert_array_equal(kernel, same)


def test_outputs_of_promoted_members(members: list[Member], together: list[Trained | RuntimeError]) -> None:
    for member, made in zip(members, together, strict=True):
        assert isinstance(made, Trained)
        assert check_promoted(made.network, member.events.words) == 1500


def test_nothing_is_traced_anew(together: list[Trained | RuntimeError]) -> None:
    """Other bits, widths, inputs, sparsities and another number of candidates, in a frame that is known."""
    frame = padded_frame(build(GENOMES[0], SpaceSection()))
    run = compiled_steps(frame, SETTINGS.batch_size, "binary_cross_entropy")
    assert run.experimental_get_tracing_count() == 1
    genome = Genome(ALL[:3], (HiddenGene(3, 8, 3, 0.25), HiddenGene(8, 3, 8, 0.0)), OutputGene(8, 0.8))
    first = make_member(0)
    ports = replace(first.events, words=_words_of(genome, first.events))
    other = Member(build(genome, SpaceSection()), ports, sparsities(genome), seed=3)
    made = fit_population([other, first, first], SETTINGS, epochs=1)
    assert all(isinstance(one, Trained) for one in made)
    assert run.experimental_get_tracing_count() == 1
    assert padded_frame(other.network) == frame


def _words_of(genome: Genome, events: Events) -> dict[str, np.ndarray]:
    network = build(genome, SpaceSection())
    random = np.random.default_rng(1)
    return {port.name: random.integers(0, port.format.highest, (len(events), *port.shape)) for port in network.inputs}


def test_masks_are_those_of_the_library(members: list[Member]) -> None:
    """At every step at which they are updated, and between, for candidates of different sparsity."""
    chosen = [members[0], members[1], replace(members[2], sparsity={"hidden1": 0.33, "hidden2": 0.9, "score": 0.1})]
    frame = padded_frame(chosen[0].network)
    placed = [place(frame, member.network) for member in chosen]
    schedule = schedule_steps(400, SETTINGS)
    timing = (schedule.begin, schedule.end, schedule.frequency, SETTINGS.pruning_power)
    pruning = pruning_of(frame, placed, [member.sparsity for member in chosen], timing)
    own = own_parameters(frame, placed)
    models, pruners = [], []
    for member in chosen:
        model = to_qkeras(member.network)
        models.append(model)
        pruners.append(Pruner(model, member.sparsity, 400, SETTINGS))
    random = np.random.default_rng(0)
    masks = own
    for step in range(0, 400, schedule.frequency // 2):
        flat = []
        for member, model, one in zip(chosen, models, placed, strict=True):
            shapes = start_weights(member.network, member.events, 1)
            weights = {
                name: tuple(random.normal(size=np.shape(own)).astype(np.float32) for own in both)
                for name, both in shapes.items()
            }
            for name, values in weights.items():
                model.get_layer(name).set_weights(values)
            flat.append(pack_weights(frame, one, weights))
        masks = updated_masks(frame, np.stack(flat), masks, own, Pruning(*pruning), np.float32(step)).numpy()
        for pruner, one, row in zip(pruners, placed, masks, strict=True):
            pruner.update_masks(step)
            found = unpack_weights(one, row)
            for wrapper in pruner._wrappers:
                ((_, mask, _),) = wrapper.pruning_vars
                np.testing.assert_array_equal(found[wrapper.layer.name][0], mask.numpy(), err_msg=f"step {step}")
    assert masks.sum() < own.sum()


def test_one_bad_candidate_is_alone_with_it(members: list[Member]) -> None:
    start = {name: (kernel * np.nan, bias) for name, (kernel, bias) in start_weights(
        members[0].network, members[0].events, 1).items()}  # fmt: skip
    bad, good = fit_population([replace(members[0], start=start), members[1]], SETTINGS, epochs=1)
    assert isinstance(bad, RuntimeError)
    assert "the training loss must stay finite" in str(bad)
    assert isinstance(good, Trained)


def test_training_goes_on_from_given_weights(members: list[Member], together: list[Trained | RuntimeError]) -> None:
    made = together[0]
    assert isinstance(made, Trained)
    slow = replace(SETTINGS, learning_rate=1e-9, final_learning_rate=1e-9)
    inherited = replace(members[0], start=own_weights(made.network))
    for member in (inherited, replace(members[0], network=made.network)):
        (again,) = fit_population([member], slow, epochs=1)
        assert isinstance(again, Trained)
        for one, same in zip(kernels(again.network), kernels(made.network), strict=True):
            np.testing.assert_array_equal(one, same)


def test_memory_bounds_groups() -> None:
    networks = [build(GENOMES[0], SpaceSection())] * 10
    need = candidate_bytes(padded_frame(networks[0]), 1000, 64)
    groups = make_groups(networks, 1000, 64, 4.5 * need / 1e6)
    assert [indices for _, indices in groups] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    with pytest.raises(UserError, match=r"training\.population_mb must hold one candidate, which takes"):
        make_groups(networks, 1000, 64, 0.9 * need / 1e6)


def test_one_class_is_refused(members: list[Member]) -> None:
    only = replace(members[0].events, is_signal=np.ones(1500, dtype=bool))
    with pytest.raises(UserError, match="the training set must hold signal and background"):
        fit_population([replace(members[0], events=only)], SETTINGS, epochs=1)


def test_the_two_values_of_one_bit_are_refused() -> None:
    network = build(GENOMES[3], SpaceSection())
    layers = [
        replace(layer, kernel_format=FixedPoint.binary_format()) if isinstance(layer, Dense) else layer
        for layer in network.layers
    ]
    binary = replace(network, layers=tuple(layers))
    with pytest.raises(UserError, match="must have at least 2 bits to be trained in a population"):
        padded_frame(binary)


def test_no_members() -> None:
    assert fit_population([], SETTINGS, epochs=1) == []
