"""``trigger golden``: the small folder that holds a project to what it is."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from trigger.cli.outcome import Outcome
from trigger.errors import UserError

__all__ = ["verb"]


def verb(options: Namespace) -> Outcome:
    """Write the golden folder of a project."""
    budgets = _budgets(options.budgets)
    from firmware.golden import read_golden, write_golden

    folder = write_golden(options.project, options.out, budgets=budgets, vectors=options.vectors)
    golden = read_golden(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    limits = ", ".join(f"{key} {value:g}" for key, value in golden.budgets.items())
    lines = [
        f"golden project {folder}: {golden.events} events, {size / 1000:.0f} kB",
        f"budgets: {limits} (edit {folder / 'budgets.json'})",
    ]
    if not (Path(options.project) / "verify.json").is_file():
        lines.append("the project has not been verified: the first check will climb the ladder")
    lines.append(f"check it with: trigger check {folder}")
    result = {
        "verb": "golden", "golden": str(folder), "events": golden.events, "bytes": size,
        "budgets": dict(golden.budgets),
    }  # fmt: skip
    return Outcome(result, tuple(lines))


def _budgets(given: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for text in given:
        key, equals, value = text.partition("=")
        try:
            found[key] = int(value) if value.isdecimal() else float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise UserError(f"--budget must be KEY=NUMBER, not '{text}'; for example --budget lut=20000")
    return found
