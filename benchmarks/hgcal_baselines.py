"""How hard the HGCAL study is: boosted trees on all variables and on the two CMSSW sets, as Markdown tables.

``python benchmarks/hgcal_baselines.py --cache .trigger-cache`` generates (or reads) the default data set, trains
gradient-boosted trees on the full-precision variables, and prints AUC and background efficiency at four signal
efficiencies on the test split, with 68% Clopper-Pearson intervals, for each eta region. The number of trees is the one
that is best on the validation split.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from sim.events import CMSSW_LARGE, CMSSW_SMALL, SHOWER_FEATURES, ClusterTable, DatasetSettings, load_dataset

SETS = {
    "all 30 variables": tuple(SHOWER_FEATURES),
    "CMSSW large (9)": CMSSW_LARGE,
    "CMSSW small (4)": CMSSW_SMALL,
}
SIGNAL_EFFICIENCIES = (0.90, 0.95, 0.975, 0.995)
REGIONS = {"1.5-3.0": (1.5, 3.0), "1.5-2.7": (1.5, 2.7), "2.7-3.0": (2.7, 3.0)}


def clopper_pearson(passed: int, total: int, level: float = 0.6827) -> tuple[float, float]:
    """Central interval of an efficiency (Clopper and Pearson, Biometrika 26 (1934) 404)."""
    tail = (1 - level) / 2
    low = beta.ppf(tail, passed, total - passed + 1) if passed > 0 else 0.0
    high = beta.ppf(1 - tail, passed + 1, total - passed) if passed < total else 1.0
    return float(low), float(high)


def scores(names: tuple[str, ...], tables: dict[str, ClusterTable]) -> NDArray[np.float64]:
    """Scores of the test split by trees trained on `names`."""
    train, validation, test = (tables[split] for split in ("train", "validation", "test"))
    trees = HistGradientBoostingClassifier(max_iter=400, learning_rate=0.06, l2_regularization=1.0, random_state=1)
    trees.fit(train.columns(names), train.label)
    best, best_auc = None, 0.0
    for n_trees, staged in enumerate(trees.staged_decision_function(validation.columns(names)), start=1):
        if n_trees % 20 == 0 and (auc := roc_auc_score(validation.label, staged)) > best_auc:
            best, best_auc = n_trees, auc
    for n_trees, staged in enumerate(trees.staged_decision_function(test.columns(names)), start=1):
        if n_trees == best:
            return np.asarray(staged, dtype=np.float64).ravel()
    raise AssertionError("the best number of trees is one of them")


def row(name: str, score: NDArray[np.float64], label: NDArray[np.int8]) -> str:
    """One line of the table, in percent."""
    signal, background = score[label == 1], score[label == 0]
    cells = [name, f"{roc_auc_score(label, score):.4f}"]
    for efficiency in SIGNAL_EFFICIENCIES:
        threshold = np.quantile(signal, 1 - efficiency)
        passed = int((background >= threshold).sum())
        low, high = clopper_pearson(passed, len(background))
        share = passed / len(background)
        cells.append(f"{100 * share:.1f} (+{100 * (high - share):.1f} -{100 * (share - low):.1f})")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".trigger-cache"))
    parser.add_argument("--train", type=int, default=DatasetSettings.n_train)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    settings = DatasetSettings(n_train=options.train, workers=options.workers)
    tables = load_dataset(settings, options.cache)
    test = tables["test"]
    scored = {name: scores(names, tables) for name, names in SETS.items()}
    print(f"Trained on {len(tables['train']):,} clusters; background efficiency in % at a signal efficiency of:\n")
    for region, (low, high) in REGIONS.items():
        chosen = (test.eta >= low) & (test.eta < high)
        n_signal = int(test.label[chosen].sum())
        print(f"|eta| {region}: {n_signal:,} signal, {int(chosen.sum()) - n_signal:,} pile-up clusters\n")
        print("| variables | AUC | " + " | ".join(f"{100 * e:g}%" for e in SIGNAL_EFFICIENCIES) + " |")
        print("|---" * (2 + len(SIGNAL_EFFICIENCIES)) + "|")
        for name, score in scored.items():
            print(row(name, score[chosen], test.label[chosen]))
        print()


if __name__ == "__main__":
    main()
