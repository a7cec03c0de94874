"""``trigger check``: golden projects made again and compared; one table, JUnit, and an exit code."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trigger.cli.outcome import Outcome
from trigger.cli.progress import say
from trigger.errors import UserError

if TYPE_CHECKING:
    from firmware.golden import GoldenOutcome

__all__ = ["verb"]


def verb(options: Namespace) -> Outcome:
    """Check every golden project that was named; with ``--update``, make golden what was found."""
    from firmware.golden import RUNGS, check_golden, find_goldens
    from firmware.golden.table import junit_of, table_of
    from firmware.project.atomic import write_whole

    rungs = tuple(options.rungs.split(",")) if options.rungs is not None else RUNGS
    if options.update and set(rungs) != set(RUNGS):
        raise UserError("--update must see every rung agree before words become golden; leave out --rungs")
    junit = Path(options.junit)
    if not junit.parent.is_dir():
        raise UserError(f"folder of --junit must exist, and '{junit.parent}' does not")
    folders = [folder for given in options.golden for folder in find_goldens(Path(given))]
    outcomes = [
        check_golden(
            folder, rungs=rungs, n_events=options.events, rtl_events=options.rtl_events,
            simulator=options.sim or "verilator", cache=not (options.no_cache or options.update),
            progress=_saying(folder.resolve().name),
        )
        for folder in folders
    ]  # fmt: skip
    write_whole(junit, junit_of(outcomes))
    lines = list(table_of(outcomes))
    passed = all(outcome.passed for outcome in outcomes)
    renewed: list[str] = []
    if options.update:
        for line in lines:
            say(line)
        passed, lines, renewed = _update(folders, outcomes)
    else:
        lines.append(_verdict(passed, len(outcomes)))
    result = {
        "verb": "check", "passed": passed, "junit": str(junit), "renewed": renewed,
        "golden": [outcome.to_json() for outcome in outcomes],
    }  # fmt: skip
    return Outcome(result, tuple(lines), passed=passed)


def _saying(name: str) -> Callable[[str], None]:
    return lambda line: say(f"{name}: {line}")


def _verdict(passed: bool, count: int) -> str:
    return f"{count} golden projects: {'as they were' if passed else 'NOT AS THEY WERE; renew with --update, if meant'}"


def _update(folders: list[Path], outcomes: list[GoldenOutcome]) -> tuple[bool, list[str], list[str]]:
    """Renew what differs; a golden project whose rungs do not agree with each other stays as it is, and fails."""
    from firmware.golden import read_golden, renew

    passed, lines, renewed = True, [], []
    for folder, outcome in zip(folders, outcomes, strict=True):
        if outcome.passed and not any(row.note for row in outcome.rows):
            lines.append(f"{outcome.golden}: nothing to renew")
        elif outcome.renewal is None:
            lines.append(f"{outcome.golden}: NOT RENEWED: its rungs must agree with each other, and do not")
            passed = False
        else:
            lines += [f"{outcome.golden}: renewed {line}" for line in renew(folder, outcome.renewal)]
            renewed.append(outcome.golden)
            budgets, figures = read_golden(folder).budgets, outcome.renewal.figures
            over = [name for name, figure in figures.items() if figure > budgets.get(name, figure)]
            lines += [f"{outcome.golden}: {name} still exceeds its budget, which was set by hand" for name in over]
            passed = passed and not over
    return passed, lines, renewed
