"""Writing whole or not at all: aside first, then in place by a rename."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole_folder", "write_whole"]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def write_whole(path: Path, data: str | bytes) -> None:
    """Write a file aside and rename it, so that a reader sees the old one or the new one.

    Parameters
    ----------
    path : Path
        In an existing folder.
    data : str or bytes
        Text is written as UTF-8.
    """
    content = data.encode() if isinstance(data, str) else data
    descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target``; it takes that name if the block ends well, and vanishes if not.

    A folder that was there before is replaced in one step, and untouched if the block fails.

    Parameters
    ----------
    target : Path
        Its parents are made if need be.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    aside.chmod(0o755)
    try:
        yield aside
        if target.exists():
            _exchange(aside, target)
        else:
            aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> None:
    """Swap two folders: in one step where the kernel can (Linux), else in two renames."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(one), os.fsencode(other)
    if rename is not None and rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return
    parked = one.with_name(one.name + ".old")
    other.rename(parked)
    try:
        one.rename(other)
    except BaseException:
        parked.rename(other)
        raise
    parked.rename(one)
