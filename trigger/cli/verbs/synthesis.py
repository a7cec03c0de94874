"""``--synth``: vendor tools on a project, where they are installed."""

from __future__ import annotations

from pathlib import Path

from trigger.cli.outcome import Outcome
from trigger.errors import UserError

__all__ = ["check_tools", "synthesise"]


def check_tools() -> None:
    """Refuse ``--synth`` before anything is written where no tool could run.

    Raises
    ------
    UserError
    """


def synthesise(project: Path) -> Outcome:
    """placeholder"""
    raise UserError("")
