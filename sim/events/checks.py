"""Checks of single settings, with one wording for all."""

from __future__ import annotations

from sim.events.errors import UserError


def whole_number(name: str, value: object, low: int, high: int) -> None:
    """Raise UserError unless `value` is a whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UserError(f"{name} must be a whole number from {low} to {high}, not {value!r}")


def number(name: str, value: object, low: float, high: float) -> None:
    """Raise UserError unless `value` is a number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise UserError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}")
