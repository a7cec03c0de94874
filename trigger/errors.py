"""What the user did wrong, said in one message."""

from __future__ import annotations

__all__ = ["UserError"]


class UserError(ValueError):
    """A mistake in what was asked for; the message names subject, rule, value and remedy.

    Commands turn it into exit code 2 without a traceback.
    """
