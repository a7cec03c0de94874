"""References to judge a candidate by: gradient-boosted trees at full precision on stated sets of variables.

Trees on the candidate's own variables show what quantisation and a small network cost; on all variables, what the
choice of variables costs; on the CMSSW sets, what the published choices reach on the same events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events.features import CMSSW_LARGE, CMSSW_SMALL
from sim.events.table import ClusterTable
from trigger.config.study import Study
from trigger.tasks.hgcal.data import class_counts
from trigger.tasks.hgcal.genome import Genome
from trigger.tasks.hgcal.report.evaluation import evaluate, ranks
from trigger.tasks.hgcal.sections import signal_efficiency

__all__ = ["baselines", "boosted_trees", "make", "variable_sets"]

_TREES = 300
_STEP = 10


def make(
    study: Study, samples: Mapping[str, ClusterTable], genome: Genome | None, advance: Callable[[int, int, str], None]
) -> dict[str, Any]:
    """References of a study, on the variables of a genome among others, and the number of events.

    Returns
    -------
    dict
        ``events``: by sample and class; ``classifiers``: as from `baselines`.
    """
    features = tuple(name for name, _ in genome.inputs) if genome else ()
    sets = variable_sets(features, samples["train"].names)
    found = baselines(samples, sets, seed=study.seed, signal_efficiency=signal_efficiency(study), advance=advance)
    return {"events": class_counts(samples), "classifiers": found}


def variable_sets(chosen: tuple[str, ...], available: tuple[str, ...]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The sets of variables that references are made for.

    Parameters
    ----------
    chosen : tuple of str
        Variables of the chosen candidate; empty if there is none.
    available : tuple of str
        Columns of the events; a published set that needs others is left out.

    Returns
    -------
    dict of name to (label, variables)
    """
    sets = {"same_variables": ("boosted trees, the candidate's variables", chosen)} if chosen else {}
    sets["all_variables"] = (f"boosted trees, all {len(available)} variables", available)
    for name, label, features in (
        ("cmssw_large", "boosted trees, CMSSW large set", CMSSW_LARGE),
        ("cmssw_small", "boosted trees, CMSSW small set", CMSSW_SMALL),
    ):
        if set(features) <= set(available):
            sets[name] = (label, features)
    return sets


def baselines(
    samples: Mapping[str, ClusterTable],
    sets: Mapping[str, tuple[str, tuple[str, ...]]],
    *,
    seed: int,
    signal_efficiency: float,
    advance: Callable[[int, int, str], None] | None = None,
) -> list[dict[str, Any]]:
    """Train and judge one reference a set of variables.

    Parameters
    ----------
    samples : mapping
        ``train``, ``validation`` (chooses the number of trees) and ``test`` (judges).
    sets : mapping of name to (label, variables)
    seed : int
    signal_efficiency : float
        Working point of the study.
    advance : callable, optional
        ``advance(done, total, note)``.

    Returns
    -------
    list of dict
        One evaluation a set, in order.
    """
    found = []
    test = samples["test"]
    for done, (name, (label, features)) in enumerate(sets.items()):
        if advance:
            advance(done, len(sets), label)
        scores = boosted_trees(samples, features, seed)
        found.append(evaluate(name, label, features, ranks(scores), test.label == 1, test.eta, signal_efficiency))
    if advance:
        advance(len(sets), len(sets), "")
    return found


def boosted_trees(samples: Mapping[str, ClusterTable], features: tuple[str, ...], seed: int) -> NDArray[np.float64]:
    """Scores of the test events by boosted trees on full-precision variables.

    Parameters
    ----------
    samples : mapping
        ``train``, ``validation`` and ``test``.
    features : tuple of str
    seed : int

    Returns
    -------
    float64 array of shape (test events,)
        Log-odds of the number of trees that has the best AUC on the validation events, out of 10, 20, ... 300.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    # One thread: more of them wait for each other at every node of a tree, for ever on a busy machine.
    with threadpool_limits(1, user_api="openmp"):
        return _boosted_trees(samples, features, seed)


def _boosted_trees(samples: Mapping[str, ClusterTable], features: tuple[str, ...], seed: int) -> NDArray[np.float64]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    train, validation, test = (samples[name] for name in ("train", "validation", "test"))
    model = HistGradientBoostingClassifier(
        max_iter=_TREES,
        learning_rate=0.1,
        max_leaf_nodes=31,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    model.fit(_matrix(train, features), train.label == 1)
    stages = model.staged_decision_function(_matrix(validation, features))
    quality = [
        roc_auc_score(validation.label == 1, score) for number, score in enumerate(stages, 1) if number % _STEP == 0
    ]
    best = (int(np.argmax(quality)) + 1) * _STEP
    for number, scores in enumerate(model.staged_decision_function(_matrix(test, features)), 1):
        if number == best:
            return np.asarray(scores, dtype=np.float64).ravel()
    raise AssertionError(f"{best} trees of {_TREES}")


def _matrix(table: ClusterTable, features: tuple[str, ...]) -> NDArray[np.floating]:
    """Variables in the order asked for, of shape (events, len(features)); pT and eta are fields of their own."""
    context = {"pt": table.pt_gev, "eta": np.abs(table.eta)}
    columns = [table.column(name) if name in table.names else context[name] for name in features]
    return np.stack(columns, axis=1)
