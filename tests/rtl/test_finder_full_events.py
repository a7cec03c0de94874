"""The published finder, trained, on whole events at 200 pile-up collisions: 2,000 of them down every rung."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

import firmware
from firmware.project.cache import CACHE
from firmware.settings import FirmwareSettings
from firmware.verify import verify
from sim.events.tracks import VertexDatasetSettings, load_vertex_dataset
from trigger.tasks.vertexing.metrics import mean_efficiency, vertex_metrics
from trigger.tasks.vertexing.model import Z0_STEP_CM, association_sparsities, make_plan
from trigger.tasks.vertexing.samples import finder_events
from trigger.tasks.vertexing.space import SpaceSection, anchors
from trigger.tasks.vertexing.train import fit_finder
from trigger.tasks.vertexing.training_section import VertexTraining

EVENTS = 2_000
PATTERNS = 400
"""Room for the patterns and random words that join every verification."""


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    settings = VertexDatasetSettings(n_train=1_500, n_validation=20, n_test=EVENTS)
    return load_vertex_dataset(settings, tmp_path_factory.mktemp("events"))


@pytest.fixture(scope="module")
def finder(samples):
    space = SpaceSection()
    genome = anchors(space)["published"]
    plan = make_plan(genome, space)
    training = VertexTraining(batch_size=64, learning_rate=0.02, association_tracks=512)
    sparsity = association_sparsities(plan, genome)
    return fit_finder(plan, samples["train"], training, sparsity=sparsity, epochs=2, seed=1).plan.finder()


def test_two_thousand_full_events_compute_the_same_integers_on_every_rung(finder, samples, tmp_path, request):
    events = finder_events(samples["test"], finder.lanes)
    project = firmware.convert(finder, tmp_path, FirmwareSettings(latency_budget_ns=250), name="full", events=events)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE, os.environ.get(CACHE) or str(Path(request.config.rootpath) / ".trigger-cache"))
        result = verify(project, events=events, n_events=EVENTS + PATTERNS, rtl_events=EVENTS + PATTERNS)
    assert [str(check) for check in result.checks if not check.passed] == []
    assert result.passed
    assert result.proof is not None
    assert result.proof.proven
    assert result.stimulus["given"] == EVENTS
    assert [check.events for check in result.checks] == [EVENTS, *[EVENTS + PATTERNS] * 3]
    assert result.latency_cycles * result.clock_period_ns <= 250
    assert result.ii == finder.tracks_per_lane


def test_these_are_events_in_which_something_is_found(finder, samples):
    from firmware.vertex.emulate import emulate_finder

    test = samples["test"]
    outputs = emulate_finder(finder, finder_events(test, finder.lanes))
    metrics = vertex_metrics(outputs.z0 * Z0_STEP_CM, test, 0.15)
    assert mean_efficiency(metrics) > 0.5
    few = emulate_finder(replace(finder, tracks_per_lane=4), finder_events(test, finder.lanes))
    assert few.truncated.mean() > 0.9
    assert not outputs.truncated.all()
