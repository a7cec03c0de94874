"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

__all__ = ["Advance", "clock_text", "hint", "progress", "say"]


class Advance(Protocol):
    """Tells how far a piece of work is."""

    def __call__(self, done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
        """``done`` of ``total``; the best values so far; the time left, if the work knows better than the clock."""


_SECONDS_BETWEEN_LINES = 5.0


def say(line: str) -> None:
    """One line for people, on standard error."""
    print(line, file=sys.stderr, flush=True)


def hint(line: str) -> None:
    """One line that only somebody who waits at a terminal needs."""
    if sys.stderr.isatty():
        say(line)


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
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns: tuple[Any, ...] = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=None, left="", note="")
        pace = _Pace()

        def advance(done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
            bars.update(task, completed=done, total=total, note=note, left=pace.left(done, total, seconds_left))

        yield advance


def _lines(title: str) -> Advance:
    pace = _Pace()
    said = time.monotonic()

    def advance(done: int, total: int, note: str = "", seconds_left: float | None = None) -> None:
        nonlocal said
        left = pace.left(done, total, seconds_left)
        if done < total and time.monotonic() - said < _SECONDS_BETWEEN_LINES:
            return
        said = time.monotonic()
        say(f"{title}: {done}/{total}{', ' + left if left else ''}{'; ' + note if note else ''}")

    return advance


class _Pace:
    """The time left, from the pace since the first call: what a resumed run finds finished took no time now."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._began = 0.0

    def left(self, done: int, total: int, known: float | None) -> str:
        if self._first is None:
            self._first, self._began = done, time.monotonic()
        fresh = done - self._first
        if known is None and fresh > 0:
            known = (time.monotonic() - self._began) / fresh * (total - done)
        return f"{clock_text(known)} left" if known is not None and done < total else ""


def clock_text(seconds: float) -> str:
    """Seconds as ``1:05`` or ``2:00:07``."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
