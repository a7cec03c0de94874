"""The verbs, one a module; each is imported only when it is asked for."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from importlib import import_module

from trigger.cli.outcome import Outcome

__all__ = ["run_verb"]


def run_verb(options: Namespace) -> Outcome:
    """Do what was asked: the function ``verb`` of the module of that name."""
    verb: Callable[[Namespace], Outcome] = import_module(f"trigger.cli.verbs.{options.verb}").verb
    return verb(options)
