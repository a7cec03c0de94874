"""HGCAL e/gamma identification from shower shapes: a small dense network on few bits of few variables."""

from trigger.tasks.hgcal.definition import TASK

__all__ = ["TASK"]
