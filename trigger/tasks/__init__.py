"""Tasks: all that one alone knows, in a package each; `interface` says what the general code asks of it."""

from trigger.tasks.table import TASKS, find_task

__all__ = ["TASKS", "find_task"]
