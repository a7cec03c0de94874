"""References: judged on test events only, the same for any number of threads, and better with better variables."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim.events.features import CMSSW_LARGE, CMSSW_SMALL, SHOWER_FEATURES
from sim.events.table import ClusterTable
from trigger.tasks.hgcal.baselines import baselines, boosted_trees, variable_sets
from trigger.tasks.hgcal.report.evaluation import evaluate, performance, ranks

NAMES = ("strong", "weak", "noise")


def sample(events: int, seed: int, *, flipped: bool = False) -> ClusterTable:
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, events).astype(np.int8)
    shift = np.array([2.0, 0.5, 0.0])
    features = (random.normal(size=(events, 3)) + label[:, None] * shift).astype(np.float32)
    eta = random.uniform(1.5, 3.0, events).astype(np.float32)
    return ClusterTable(NAMES, features, 1 - label if flipped else label, label * 0, eta * 10, eta)


@pytest.fixture(scope="module")
def samples() -> dict[str, ClusterTable]:
    return {"train": sample(3000, 1), "validation": sample(1000, 2), "test": sample(2000, 3)}


def auc(found: dict) -> float:
    return found["metrics"]["inclusive"]["auc"]


def test_more_and_better_variables_select_better(samples):
    sets = {"all": ("all", NAMES), "strong": ("strong", NAMES[:1]), "weak": ("weak", NAMES[1:])}
    found = {one["name"]: one for one in baselines(samples, sets, seed=1, signal_efficiency=0.975)}
    # Two normals that lie 2 apart: AUC is the normal distribution at sqrt 2, 0.9214; at 0.5 apart it is 0.638.
    assert auc(found["strong"]) == pytest.approx(0.921, abs=0.02)
    assert auc(found["weak"]) == pytest.approx(0.638, abs=0.04)
    assert auc(found["all"]) > auc(found["strong"]) - 0.005


def test_the_judgement_is_of_the_test_events(samples):
    sets = {"strong": ("strong", NAMES[:1])}
    (fair,) = baselines(samples, sets, seed=1, signal_efficiency=0.975)
    (wrong,) = baselines({**samples, "test": sample(2000, 3, flipped=True)}, sets, seed=1, signal_efficiency=0.975)
    assert auc(wrong) == pytest.approx(1 - auc(fair), abs=1e-12)


def test_the_same_seed_gives_the_same_scores(samples):
    np.testing.assert_array_equal(boosted_trees(samples, NAMES, 5), boosted_trees(samples, NAMES, 5))


def test_pt_and_eta_can_be_variables(samples):
    assert boosted_trees(samples, ("strong", "pt", "eta"), 1).shape == (2000,)


def test_ranks_keep_order_and_ties():
    np.testing.assert_array_equal(ranks(np.array([0.5, -1.0, 0.5, 7.0])), [1, 0, 1, 2])


def test_an_evaluation_survives_its_file(samples):
    test = samples["test"]
    words = np.round(test.features[:, 0] * 8).astype(np.int64)
    found = evaluate("chosen", "chosen candidate", ("strong",), words, test.label == 1, test.eta, 0.97)
    shown = performance(json.loads(json.dumps(found)))
    point = shown.at(0.97)
    assert point is not None
    threshold = np.sort(words[test.label == 1])[::-1][int(np.ceil(0.97 * np.sum(test.label == 1))) - 1]
    expected = np.mean(words[test.label == 0] >= threshold)
    assert point.background_efficiency == pytest.approx(expected, abs=1e-12)
    assert point.low < point.background_efficiency < point.high
    assert set(shown.regions) == {"1.5 ≤ |η| < 2.7", "2.7 ≤ |η| < 3"}
    assert shown.signal_efficiency[-1] == 1.0


def test_published_sets_need_their_variables():
    every = tuple(SHOWER_FEATURES)
    assert [features for _, features in variable_sets(("meanz",), every).values()] == [
        ("meanz",), every, CMSSW_LARGE, CMSSW_SMALL,
    ]  # fmt: skip
    assert list(variable_sets((), ("meanz", "hoe"))) == ["all_variables"]
