"""The command ``trigger``: one verb a stage, and ``run`` for all of them."""

from trigger.cli.entry import main

__all__ = ["main"]
