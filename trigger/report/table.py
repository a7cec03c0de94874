"""Tables and figures as HTML text; numbers are formatted here and nowhere else."""

from __future__ import annotations

import html
from collections.abc import Sequence

__all__ = ["DASH", "Html", "count", "decimal", "interval_cell", "number", "percent", "table", "text"]


DASH = "\u2013"
"""Stands where there is no value."""


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def text(value: object) -> str:
    """Escape a value for HTML, unless it is HTML."""
    return value if isinstance(value, Html) else html.escape(str(value))


def count(value: float | None) -> str:
    """A whole number with a thin space between thousands; a dash where there is none."""
    return DASH if value is None else f"{round(value):,}".replace(",", "\u2009")


def decimal(value: float | None, places: int = 4) -> str:
    """A number to so many places, for columns that are compared."""
    return DASH if value is None else f"{value:.{places}f}"


def number(value: float | None, digits: int = 3) -> str:
    """A number to so many significant digits, never in powers of ten for the sizes met here."""
    if value is None:
        return DASH
    return f"{value:.{digits}g}" if abs(value) < 10**digits else count(value)


def percent(value: float | None, digits: int = 2) -> str:
    """A fraction as a percentage."""
    return DASH if value is None else f"{100 * value:.{digits}f}\u2009%"


def interval_cell(value: float, low: float, high: float, digits: int = 2) -> Html:
    """A fraction as a percentage, its interval small and below."""
    return Html(f"{percent(value, digits)}<small>{100 * low:.{digits}f} to {100 * high:.{digits}f}</small>")


def table(head: Sequence[object], rows: Sequence[Sequence[object]], *, numeric: Sequence[int] = (),
          emphasised: Sequence[int] = (), caption: str = "") -> Html:  # fmt: skip
    """Write a table.

    Parameters
    ----------
    head, rows : sequences
        Cells; escaped unless they are ``Html``.
    numeric : sequence of int
        Columns set flush right.
    emphasised : sequence of int
        Rows that are marked.
    """

    def cells(row: Sequence[object], tag: str) -> str:
        return "".join(f"<{tag}{' class=n' if i in numeric else ''}>{text(cell)}</{tag}>" for i, cell in enumerate(row))

    body = "".join(
        f"<tr{' class=chosen' if i in emphasised else ''}>{cells(row, 'td')}</tr>" for i, row in enumerate(rows)
    )
    title = f"<caption>{text(caption)}</caption>" if caption else ""
    inner = f"{title}<thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody>"
    return Html(f'<div class="scroll"><table>{inner}</table></div>')
