"""Which member of a front becomes hardware."""

from __future__ import annotations

from collections.abc import Sequence

from trigger.config.sections import BUDGETS, ChoiceSection
from trigger.config.study import check_choice
from trigger.errors import UserError
from trigger.search.candidate import Candidate
from trigger.tasks.interface import Task

__all__ = ["accuracy", "choose", "knee"]


def choose(front: Sequence[Candidate], choice: ChoiceSection, task: Task) -> Candidate:
    """The candidate of an id, the most accurate one within budgets, or the knee.

    Parameters
    ----------
    front : sequence of Candidate
        Not empty.
    choice : ChoiceSection
    task : Task

    Returns
    -------
    Candidate

    Raises
    ------
    UserError
        There is no such id, nothing keeps the budgets (the message names the nearest), or the task does not know one.
    """
    check_choice(choice, task)
    if choice.id is not None:
        return _by_id(front, choice.id)
    budgets = [(key, *BUDGETS[key], limit) for key, limit in choice.budgets.items()]
    if not budgets:
        return knee(front, choice.tolerance, task)
    excess = {c.id: max(max(0.0, c.cost[cost] / limit - 1.0) for _, cost, _, limit in budgets) for c in front}
    fitting = [candidate for candidate in front if excess[candidate.id] == 0]
    if fitting:
        return min(fitting, key=lambda c: (accuracy(c, task), c.cost["lut"], c.id))
    nearest = min(front, key=lambda c: (excess[c.id], c.id))
    asked = ", ".join(f"{key} {limit:g}" for key, _, _, limit in budgets)
    has = ", ".join(f"{nearest.cost[cost]:g} {unit}" for _, cost, unit, _ in budgets)
    raise UserError(
        f"the budget ({asked}) must be kept by a member of the front, and none of {len(front)} does; the nearest, "
        f"{nearest.id}, needs {has}: raise the budget"
    )


def knee(front: Sequence[Candidate], tolerance: float, task: Task) -> Candidate:
    """The cheapest candidate whose accuracy is within a tolerance of the best one's.

    Cheapest: by the task's ``knee_cost``. A front in three objectives has no single corner; this picks the place from
    which accuracy would have to be paid for, and says what it cost.

    Parameters
    ----------
    front : sequence of Candidate
        Not empty.
    tolerance : float
        Relative loss of accuracy (increase of the task's first objective) that is given up, e.g. 0.05.
    task : Task

    Returns
    -------
    Candidate
    """
    best = min(accuracy(candidate, task) for candidate in front)
    near = [candidate for candidate in front if accuracy(candidate, task) <= best * (1 + tolerance)]
    return min(near, key=lambda c: (task.knee_cost(c.cost), accuracy(c, task), c.id))


def accuracy(candidate: Candidate, task: Task) -> float:
    """What is small for an accurate candidate: the task's first objective, or the first of a search without it."""
    return candidate.objectives.get(task.accuracy.name, next(iter(candidate.objectives.values())))


def _by_id(front: Sequence[Candidate], id: str) -> Candidate:
    matches = [candidate for candidate in front if candidate.id.startswith(id)]
    if len(matches) == 1:
        return matches[0]
    known = ", ".join(candidate.id for candidate in front)
    problem = "is not on the front" if not matches else f"fits {len(matches)} members"
    raise UserError(f"candidate id must name one member of the front, and '{id}' {problem}; members: {known}")
