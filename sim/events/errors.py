"""The error that a user's own input causes."""


class UserError(ValueError):
    """A mistake in the user's input: subject, rule, value and remedy in one message."""
