"""``trigger run``: from events to verified firmware and its report; what is finished is kept."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trigger.cli.outcome import Outcome
from trigger.cli.progress import say
from trigger.cli.verbs.generate import generate
from trigger.cli.verbs.report import write_report
from trigger.cli.verbs.sweep import search
from trigger.cli.verbs.verify import Amount, amount_of, prove
from trigger.cli.workspace import Workspace, open_workspace, read_json

__all__ = ["verb"]


def verb(options: Namespace) -> Outcome:
    """Do every stage in order; a failed proof still gets its report, and fails the run."""
    workspace = open_workspace(options)
    say(f"run: {workspace.config_path} -> {workspace.run_dir}")
    searched = search(workspace)
    made = generate(workspace, again=False)
    project = Path(made.result["project"])
    amount = amount_of(workspace.study.verify, options)
    proven = _kept_proof(project, amount) or prove(project, amount)
    page = write_report(workspace, count=options.yosys)
    passed = made.passed and proven.passed
    result = {
        "verb": "run",
        "passed": passed,
        "run": str(workspace.run_dir),
        "project": str(project),
        "report": page.result["report"],
        "sweep": searched.result,
        "generate": made.result,
        "verify": proven.result,
    }
    return Outcome(result, _summary(workspace, searched, made, proven, page), passed)


def _kept_proof(project: Path, amount: Amount) -> Outcome | None:
    """The proof of an earlier run, if it passed, was as large, and is of the project as it lies there."""
    found = read_json(project / "verify.json")
    if found is None or not found["passed"] or found["simulator"] != amount.simulator:
        return None
    if _most_events(found, "csim") < amount.events or _most_events(found, "rtl") < (amount.rtl_events or 0):
        return None
    say(f"verify: kept {project / 'verify.json'}")
    return Outcome({"verb": "verify", "project": str(project), **found}, _proof_lines(found))


def _most_events(found: Mapping[str, Any], kind: str) -> int:
    return max((int(check["events"]) for check in found["checks"] if kind in check["name"]), default=0)


def _summary(workspace: Workspace, searched: Outcome, made: Outcome, proven: Outcome, page: Outcome) -> tuple[str, ...]:
    front = len(searched.result["front"])
    lines = [f"front     {front} of {searched.result['candidates']} candidates, in {workspace.run_dir}"]
    lines += [f"{'chosen' if not at else '':<10}{line}" for at, line in enumerate(made.lines)]
    lines += [f"{'proof' if not at else '':<10}{line}" for at, line in enumerate(_proof_lines(proven.result))]
    lines.append(f"report    {page.result['report']}")
    return tuple(lines)


def _proof_lines(found: Mapping[str, Any]) -> tuple[str, ...]:
    mismatches = sum(check["mismatches"] for check in found["checks"])
    rungs = ", ".join(f"{check['name']} {check['events']:,}" for check in found["checks"])
    verdict = f"{mismatches} mismatches" if found["passed"] else f"FAILED, {mismatches} mismatches"
    return (f"{verdict} (events: {rungs})",)
