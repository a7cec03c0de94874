"""What a search minimises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Objective"]


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One quantity that a search can minimise.

    Parameters
    ----------
    name : str
        In ``search.objectives``, ``candidates.jsonl`` and ``front.json``.
    label : str
        In words, inside a sentence: ``background efficiency``.
    short : str
        Behind a number in one line: ``LUT``.
    format : str
        Of a number: ``{:,.0f}``.
    axis : str
        Text of a chart's axis, with the unit; empty: the label.
    worst : number, ``worst(space) -> number``, or None
        Where the hypervolume's box ends; None: at the largest value of the first generation.
    log : bool
        Counts by its logarithm, from 1 up, in the hypervolume and in charts: for costs that span decades.
    default : bool
        Whether a search minimises it if the configuration names no objectives.
    """

    name: str
    label: str
    short: str
    format: str
    axis: str = ""
    worst: float | Callable[[Any], float] | None = None
    log: bool = False
    default: bool = True

    def text(self, value: float) -> str:
        """A value as it is printed."""
        return self.format.format(value)
