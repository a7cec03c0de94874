"""Digests of a user's files: in the hash of a run their contents count, and not their paths."""

from __future__ import annotations

import hashlib
from pathlib import Path

from trigger.errors import UserError

__all__ = ["file_digest"]


def file_digest(path: Path, key: str) -> str:
    """SHA-256 of a file's contents.

    Parameters
    ----------
    path : Path
    key : str
        Key of the configuration that names the file, e.g. ``data.files``, for the message.

    Returns
    -------
    str
        Hexadecimal digits.

    Raises
    ------
    UserError
        The file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{key} must be readable tables, and '{path}' is not: {error.strerror}") from error
