"""``trigger verify``: prove a project, of a study or any other."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from firmware.project.manifest import MANIFEST
from trigger.cli.outcome import Outcome
from trigger.cli.progress import say
from trigger.cli.workspace import Workspace, open_workspace, read_json
from trigger.config.sections import VerifySection
from trigger.errors import UserError

__all__ = ["Amount", "amount_of", "prove", "verb"]


def verb(options: Namespace) -> Outcome:
    """Verify the folder, or the project that was generated last from the study."""
    target = Path(options.target)
    if target.is_dir():
        if options.overrides:
            raise UserError("--set changes a study; a project folder has none. Use --events, --rtl-events and --sim")
        return prove(_project_in(target), amount_of(None, options), **_leave(options))
    if not target.exists():
        raise UserError(f"'{target}' must be a project folder or a configuration file, and there is neither")
    options.config = options.target
    workspace = open_workspace(options)
    return prove(_last_project(workspace), amount_of(workspace.study.verify, options), **_leave(options))


@dataclass(frozen=True)
class Amount:
    """How much a proof runs; ``rtl_events`` None: as many as suit the simulator."""

    events: int
    rtl_events: int | None
    simulator: str


def prove(project: Path, amount: Amount, *, allow_edited: bool = False, prove_primitives: bool = False) -> Outcome:
    """Climb the ladder of one project; the outcome has not passed if any rung differs.

    Parameters
    ----------
    project : Path
    amount : Amount
    allow_edited : bool
        Verify files that were changed by hand.
    prove_primitives : bool
        Prove the instances of the Verilog library, too.
    """
    from firmware.verify import verify

    result = verify(
        project,
        simulator=amount.simulator,
        rtl_events=amount.rtl_events,
        allow_edited=allow_edited,
        prove_primitives=prove_primitives,
        progress=lambda line: say(f"verify: {line}"),
        n_events=amount.events,
    )
    cycles, period = result.latency_cycles, result.clock_period_ns
    lines = [*result.proof_lines, *(str(check) for check in result.checks)]
    if cycles is not None:
        lines.append(f"latency {cycles} cycles, {cycles * period:.1f} ns at the target clock; II {result.ii}")
    lines.append(f"{'verified' if result.passed else 'NOT VERIFIED'}: {project} (details in {project / 'verify.json'})")
    return Outcome({"verb": "verify", "project": str(project), **result.to_json()}, tuple(lines), passed=result.passed)


def amount_of(section: VerifySection | None, options: Namespace) -> Amount:
    """Events and simulator: the command's where it says so, else the section's.

    The section's number of events through the Verilog is meant for its simulator: the other is a thousand times
    slower or faster.
    """
    simulator = options.sim or (section.simulator if section else "verilator")
    rtl_events = options.rtl_events
    if section is not None and simulator == section.simulator:
        rtl_events = rtl_events or section.rtl_events
    return Amount(options.events or (section or VerifySection()).events, rtl_events, simulator)


def _leave(options: Namespace) -> dict[str, bool]:
    return {"allow_edited": options.allow_edited, "prove_primitives": options.prove_primitives}


def _project_in(folder: Path) -> Path:
    """The folder itself, or the one project in it: what ``generate --out`` was given."""
    if not (folder / MANIFEST).is_file():
        inside = [path.parent for path in folder.glob(f"*/{MANIFEST}")]
        if len(inside) == 1:
            return inside[0]
    return folder


def _last_project(workspace: Workspace) -> Path:
    chosen = read_json(workspace.chosen_file)
    if chosen is None:
        make = f"trigger generate {workspace.config_path}"
        raise UserError(f"study '{workspace.study.name}' has no project yet; make one with: {make}")
    return workspace.project_dir(chosen["id"])
