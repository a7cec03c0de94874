"""Which function does which verb; each is imported only when it is asked for."""

from __future__ import annotations

from argparse import Namespace

from trigger.cli.outcome import Outcome

__all__ = ["run_verb"]


def run_verb(options: Namespace) -> Outcome:
    """Do what was asked."""
    match options.verb:
        case "doctor":
            from trigger.cli.doctor import doctor

            return doctor()
    raise AssertionError(options.verb)
