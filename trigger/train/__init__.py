"""Quantisation-aware training of classifiers, pruning, and the metrics of what comes out of it."""

from trigger.train.events import Events
from trigger.train.fit import Trained, fit
from trigger.train.metrics import Metrics, WorkingPoint, roc

__all__ = ["Events", "Metrics", "Trained", "WorkingPoint", "fit", "roc"]
