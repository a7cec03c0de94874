"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Advance", "clock_text", "progress", "say"]

Advance = Callable[[int, int, str], None]
"""``advance(done, total, note)``: how far, of how much, and the best values so far."""

_SECONDS_BETWEEN_LINES = 5.0


def say(line: str) -> None:
    """One line for people, on standard error."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """Show how a piece of work advances.

    Parameters
    ----------
    title : str
        What is done, in a word or two.

    Yields
    ------
    callable
        ``advance(done, total, note)``; may be called as often as one likes.
    """
    if sys.stderr.isatty():
        with _bar(title) as advance:
            yield advance
    else:
        yield _lines(title)


@contextmanager
def _bar(title: str) -> Iterator[Advance]:
    # Imported here: the light commands do without.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns: tuple[Any, ...] = (
        TextColumn("[bold]{task.description}"), BarColumn(bar_width=28), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=None, note="")

        def advance(done: int, total: int, note: str = "") -> None:
            bars.update(task, completed=done, total=total, note=note)

        yield advance


def _lines(title: str) -> Advance:
    start = time.monotonic()
    state = {"said": start, "first": 0, "began": start}

    def advance(done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if state["began"] == start and done < total and not state["first"]:
            # What a resumed run finds finished took no time now: it would make the time left too short.
            state["first"], state["began"] = done, now
        if done < total and now - state["said"] < _SECONDS_BETWEEN_LINES:
            return
        state["said"] = now
        fresh = done - state["first"]
        left = ""
        if fresh > 0 and done < total:
            left = f", {clock_text((now - state['began']) / fresh * (total - done))} left"
        say(f"{title}: {done}/{total}{left}{f'; {note}' if note else ''}")

    return advance


def clock_text(seconds: float) -> str:
    """Seconds as ``1:05`` or ``2:00:07``."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
