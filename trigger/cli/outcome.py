"""What a verb hands back: one object for programs, a few lines for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Outcome", "print_outcome"]


@dataclass(frozen=True)
class Outcome:
    """Result of a verb.

    Parameters
    ----------
    result : mapping
        The object that ``--json`` prints; JSON types only, paths as the user would write them.
    lines : tuple of str
        The summary for people.
    passed : bool
        False: a verification found a difference or a budget was not met (exit code 1).
    """

    result: Mapping[str, Any]
    lines: tuple[str, ...] = field(default=())
    passed: bool = True


def print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print the outcome on standard output."""
    if as_json:
        print(json.dumps(outcome.result, indent=2, sort_keys=True, allow_nan=False))
        return
    for line in outcome.lines:
        print(line)
