"""Small checks that sections share; each message names key, rule and value."""

from __future__ import annotations

from collections.abc import Sequence

from trigger.errors import UserError

__all__ = ["choices", "in_range"]


def in_range(name: str, value: float | None, lowest: float, highest: float) -> None:
    """Refuse a value outside [lowest, highest]; None passes.

    Raises
    ------
    UserError
    """
    if value is not None and not lowest <= value <= highest:
        raise UserError(f"{name} must be {lowest:g} to {highest:g}, not {value:g}")


def choices(name: str, values: Sequence[float], lowest: float, highest: float) -> None:
    """Refuse an empty list of choices, repeated or unordered ones, and values outside [lowest, highest].

    Raises
    ------
    UserError
    """
    if not values:
        raise UserError(f"{name} must list at least one choice, not []")
    for value in values:
        in_range(f"every choice of {name}", value, lowest, highest)
    if list(values) != sorted(set(values)):
        raise UserError(f"{name} must rise without repetition, not {list(values)}; write {sorted(set(values))}")
