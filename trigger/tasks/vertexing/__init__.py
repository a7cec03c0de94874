"""Primary vertex finding: weights, histogram, pattern, arg-max, association, from level-1 tracks at PU200."""

from trigger.tasks.vertexing.definition import TASK

__all__ = ["TASK"]
