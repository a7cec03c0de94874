"""The one place that names tasks: where the definition of each is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from trigger.errors import UserError

if TYPE_CHECKING:  # the interface imports the configuration, which looks tasks up here
    from trigger.tasks.interface import Task

__all__ = ["TASKS", "find_task"]

TASKS = {
    "hgcal": "trigger.tasks.hgcal",
    "vertexing": "trigger.tasks.vertexing",
}
"""Name to package; the package's ``TASK`` is its definition, imported when a study asks for it."""


def find_task(name: str) -> Task:
    """The definition of a task.

    Parameters
    ----------
    name : str

    Returns
    -------
    Task

    Raises
    ------
    UserError
        There is no task of that name.
    """
    if name not in TASKS:
        raise UserError(f"task must be one of {', '.join(TASKS)}, not '{name}'")
    task: Task = import_module(TASKS[name]).TASK
    return task
