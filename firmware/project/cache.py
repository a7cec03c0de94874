"""Compiled simulators and libraries, kept under the hash of everything that went into them.

The folder is ``TRIGGER_CACHE``, or ``.trigger-cache`` in the working directory; it holds nothing that cannot be built
again, and may be deleted at any time. Nothing of it ever lies in a project.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from firmware.project.atomic import whole_folder

__all__ = ["CACHE", "cache_dir", "cached_build", "content_key"]

CACHE = "TRIGGER_CACHE"
_KEPT = 64


def cache_dir() -> Path:
    """The cache folder, absolute; it need not exist yet."""
    return Path(os.environ.get(CACHE) or ".trigger-cache").resolve()


def content_key(parts: Iterable[str | bytes]) -> str:
    """Hash of parts in order; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:24]


def cached_build(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder of that kind and key; made by ``build`` if it is not there.

    Parameters
    ----------
    kind : str
        What is built: a subfolder. The 64 most recently used builds of a kind are kept.
    key : str
        From :func:`content_key`, over everything that decides the result.
    build : callable
        Fills an empty folder; if it raises, nothing is kept. The folder is renamed afterwards.

    Returns
    -------
    Path
        Absolute.
    """
    folder = cache_dir() / kind / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{key}.lock").open("w") as lock:
        # One process builds, others that want the same wait for it; the lock goes with the process that holds it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with whole_folder(folder) as aside:
                build(aside)
            _forget_oldest(folder.parent)
        os.utime(folder)
    return folder


def _forget_oldest(folder: Path) -> None:
    builds = sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=_last_use)
    for path in builds[:-_KEPT]:
        shutil.rmtree(path, ignore_errors=True)
        (folder / f".{path.name}.lock").unlink(missing_ok=True)


def _last_use(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0
