"""References to judge a candidate by: gradient-boosted trees at full precision on stated sets of variables.

Trees on the candidate's own variables show what quantisation and a small network cost; on all variables, what the
choice of variables costs; on the CMSSW sets, what the published choices reach on the same events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trigger.report.evaluation import evaluate, ranks

__all__ = ["Events", "baselines", "boosted_trees"]

_TREES = 300
_STEP = 10


@dataclass(frozen=True)
class Events:
    """One sample.

    Parameters
    ----------
    names : tuple of str
        Columns of ``features``.
    features : float array of shape (events, variables)
    is_signal : bool array of shape (events,)
    eta : float array of shape (events,)
    """

    names: tuple[str, ...]
    features: NDArray[np.floating]
    is_signal: NDArray[np.bool_]
    eta: NDArray[np.floating]

    def columns(self, names: tuple[str, ...]) -> NDArray[np.floating]:
        """Some variables in the order asked for, of shape (events, len(names))."""
        return self.features[:, [self.names.index(name) for name in names]]


def baselines(
    samples: Mapping[str, Events],
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
        found.append(evaluate(name, label, features, ranks(scores), test.is_signal, test.eta, signal_efficiency))
    if advance:
        advance(len(sets), len(sets), "")
    return found


def boosted_trees(samples: Mapping[str, Events], features: tuple[str, ...], seed: int) -> NDArray[np.float64]:
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
    model.fit(train.columns(features), train.is_signal)
    stages = model.staged_decision_function(validation.columns(features))
    quality = [
        roc_auc_score(validation.is_signal, score) for number, score in enumerate(stages, 1) if number % _STEP == 0
    ]
    best = (int(np.argmax(quality)) + 1) * _STEP
    for number, scores in enumerate(model.staged_decision_function(test.columns(features)), 1):
        if number == best:
            return np.asarray(scores, dtype=np.float64).ravel()
    raise AssertionError(f"{best} trees of {_TREES}")
