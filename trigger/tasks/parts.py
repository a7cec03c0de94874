"""What a task adds to the report: HTML text and plain values, put into the page by ``trigger.report``."""

from __future__ import annotations

from dataclasses import dataclass

from trigger.report.table import Html

__all__ = ["CandidateDetails", "Column", "Reference", "ReportParts", "Section", "Tile"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the front's table: its head, and whether it is set flush right."""

    head: str
    numeric: bool = True


@dataclass(frozen=True, kw_only=True)
class CandidateDetails:
    """What the page shows of one candidate beside its objectives.

    Parameters
    ----------
    cells : tuple of object
        One a column of `Report.columns`; escaped unless they are `Html`.
    hover : tuple of str
        Lines at its point in the chart, beside id and objectives; plain text.
    accuracy : float or None
        Value of the task's first objective; None: the search's own. For a search that minimises other objectives.
    low, high : float or None
        68% interval of the accuracy.
    """

    cells: tuple[object, ...] = ()
    hover: tuple[str, ...] = ()
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A figure at the head of the page; ``below`` says how sure, or of what."""

    value: str
    label: str
    below: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section of the page: ``key`` (letters) is its address, ``title`` plain text."""

    key: str
    title: str
    content: Html


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A dashed line in the front's chart, at a value of the accuracy."""

    label: str
    value: float


@dataclass(frozen=True, kw_only=True)
class ReportParts:
    """A task's part of the page.

    Parameters
    ----------
    tiles : tuple of Tile
        Before those of LUT and latency.
    sections : tuple of Section
        Between the front and the resources.
    references : tuple of Reference
    accuracy_axis : str
        Text of the accuracy's axis and column, e.g. with the working point; empty: the objective's own.
    front_note : str
        Sentences below the chart: on which events the accuracy is, what its interval is, what the references are.
    physics : Html
        What the physics figures are, and what they are not.
    events : Html
        Table of the events used.
    """

    tiles: tuple[Tile, ...] = ()
    sections: tuple[Section, ...] = ()
    references: tuple[Reference, ...] = ()
    accuracy_axis: str = ""
    front_note: str = ""
    physics: Html = Html("")  # noqa: RUF009  (a str: immutable)
    events: Html = Html("")  # noqa: RUF009  (a str: immutable)
