"""What a search tells while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from trigger.search.candidate import Stage

__all__ = ["Progress", "SweepProgress"]


@dataclass(frozen=True)
class SweepProgress:
    """State of a search after a candidate.

    Parameters
    ----------
    stage : str
        ``search``, then ``final`` while the front is trained again.
    generation, generations : int
        Generation under way, from 0, of how many.
    done, total : int
        Candidates finished in this stage, those of earlier processes included, of how many at most.
    failed : int
        Of these, failed ones.
    best : mapping of str to float
        Smallest value of each objective among feasible candidates of this stage; empty before there is one.
    seconds_left : float or None
        Estimate for this stage from the pace so far; None before the first candidate of this process.
    """

    stage: Stage
    generation: int
    generations: int
    done: int
    total: int
    failed: int
    best: Mapping[str, float]
    seconds_left: float | None


class Progress(Protocol):
    """Called after every candidate."""

    def __call__(self, state: SweepProgress) -> None:
        """Show it."""
