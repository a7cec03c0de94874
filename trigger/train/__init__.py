"""Quantisation-aware training, pruning, and the metrics of what comes out of it."""

from trigger.train.events import Events, events_of
from trigger.train.fit import Trained, fit
from trigger.train.metrics import Metrics, WorkingPoint, measure, roc

__all__ = ["Events", "Metrics", "Trained", "WorkingPoint", "events_of", "fit", "measure", "roc"]
