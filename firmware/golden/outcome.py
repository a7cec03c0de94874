"""What a check found: rows of one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firmware.golden.write import Renewal

__all__ = ["GENERATE", "MODEL", "RUNGS", "WORDS", "GoldenOutcome", "Row"]

RUNGS = ("qkeras", "emulator", "hls", "rtl")
"""That can be asked for, in the order of the data; the emulator always runs."""
GENERATE = "generate"
MODEL = "model"
"""The description read from the model, evaluated slowly and independently of the rest."""
WORDS = (GENERATE, MODEL, *RUNGS)
"""Rows whose words can move, first things first."""


@dataclass(frozen=True)
class Row:
    """One thing that was compared.

    Parameters
    ----------
    item : str
        A rung, a figure with a budget, ``proof``, ``generated`` or ``versions``.
    passed : bool
    moved, events : int or None
        Events whose words moved, of so many.
    lsb : int or None
        Largest difference of a word, now minus golden.
    layer : str or None
        First layer (of a finder: block) whose words moved.
    text : str
        The rest, for people.
    note : bool
        Something that differs and does not fail.
    """

    item: str
    passed: bool
    moved: int | None = None
    events: int | None = None
    lsb: int | None = None
    layer: str | None = None
    text: str = ""
    note: bool = False

    @property
    def verdict(self) -> str:
        """One word."""
        if not self.passed:
            return "FAILED" if not self.moved else "MOVED"
        return "differs" if self.note else "ok"


@dataclass(frozen=True)
class GoldenOutcome:
    """What the check of one golden project found.

    Parameters
    ----------
    golden : str
        Its folder's name.
    rows : tuple of Row
    versions : mapping of package to (then, now)
        Those that differ.
    cached : bool
        Nothing ran: sources, versions, golden project and options are those of an earlier check that passed.
    renewal : Renewal or None
        What would become golden; only where every rung ran, and they agree.
    """

    golden: str
    rows: tuple[Row, ...]
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    cached: bool = False
    renewal: Renewal | None = None

    @property
    def passed(self) -> bool:
        """Every row passed, and words were compared."""
        return all(row.passed for row in self.rows) and any(row.events for row in self.rows)

    @property
    def first_moved(self) -> Row | None:
        """The first row that failed, in the order of the data; rungs before figures."""
        ranks = {name: rank for rank, name in enumerate(WORDS)}
        failed = [row for row in self.rows if not row.passed]
        return min(failed, key=lambda row: ranks.get(row.item, len(ranks)), default=None)

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        first = self.first_moved
        return {
            "golden": self.golden, "passed": self.passed, "cached": self.cached,
            "first_moved": None if first is None else {"rung": first.item, "layer": first.layer},
            "versions": {name: list(pair) for name, pair in self.versions.items()},
            "rows": [asdict(row) for row in self.rows],
        }  # fmt: skip
