"""One table of all checks, for people, and the same as JUnit."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from firmware.golden.outcome import GoldenOutcome, Row

__all__ = ["junit_of", "table_of"]

_HEADS = ("golden", "item", "verdict", "moved", "LSB", "first layer", "")
_RIGHT = (3, 4)
_TEXT = 160


def table_of(outcomes: Sequence[GoldenOutcome]) -> tuple[str, ...]:
    """Lines: a head, a row for everything that was compared, and for each failure what moved first."""
    rows: list[tuple[str, ...]] = [_HEADS]
    for outcome in outcomes:
        name = outcome.golden
        if outcome.cached:
            rows.append((name, "all", "ok", "", "", "", "unchanged since it passed: not run again"))
        rows += [_cells(name, row) for row in outcome.rows if not outcome.cached or row.note]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = [
        "  ".join(_aligned(cell, widths[column], column) for column, cell in enumerate(row)).rstrip() for row in rows
    ]
    return (*lines, *(line for outcome in outcomes if not outcome.passed for line in _first(outcome)))


def junit_of(outcomes: Sequence[GoldenOutcome]) -> str:
    """JUnit XML: a suite for each golden project, a case for each row."""
    root = ElementTree.Element("testsuites", name="trigger check")
    for outcome in outcomes:
        failures = sum(not row.passed for row in outcome.rows)
        suite = ElementTree.SubElement(
            root, "testsuite", name=f"golden.{outcome.golden}", tests=str(len(outcome.rows)), failures=str(failures),
            errors="0", skipped="0",
        )  # fmt: skip
        for row in outcome.rows:
            case = ElementTree.SubElement(suite, "testcase", classname=outcome.golden, name=row.item)
            told = _printable(" ".join(part for part in _cells(outcome.golden, row, whole=True)[2:] if part))
            if not row.passed:
                ElementTree.SubElement(case, "failure", message=_printable(_summary(row))).text = told
            ElementTree.SubElement(case, "system-out").text = told + (" (kept verdict)" if outcome.cached else "")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cells(name: str, row: Row, *, whole: bool = False) -> tuple[str, ...]:
    moved = "" if row.events is None else f"{row.moved} of {row.events}"
    lsb = "" if row.lsb is None else f"{row.lsb:+d}" if row.lsb else "0"
    text = row.text if whole or len(row.text) <= _TEXT else f"{row.text[: _TEXT - 3]}..."
    return name, row.item, row.verdict, moved, lsb, row.layer or "", " ".join(text.split())


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column in _RIGHT else cell.ljust(width)


def _first(outcome: GoldenOutcome) -> list[str]:
    row = outcome.first_moved
    if row is None:
        return [f"{outcome.golden}: nothing was compared"]
    lines = [f"{outcome.golden}: first to move: {_summary(row)}"]
    if outcome.versions:
        text = ", ".join(f"{name} {then} -> {now}" for name, (then, now) in outcome.versions.items())
        lines.append(f"{outcome.golden}: versions that differ from {outcome.golden}/golden.json: {text}")
    return lines


def _summary(row: Row) -> str:
    layer = f", layer {row.layer}" if row.layer else ""
    moved = f", {row.moved} of {row.events} events" if row.moved else ""
    lsb = f", by up to {row.lsb:+d} LSB" if row.lsb else ""
    return f"{row.item}{layer}{moved}{lsb}" + (f": {row.text[:_TEXT]}" if not row.moved and row.text else "")


def _printable(text: str) -> str:
    """Without the control characters that XML cannot hold: a compiler's message may have them."""
    return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)
