"""Compiled simulators and libraries in the cache, sealed by a checksum after use and compared before the next."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware.project import cache_dir
from firmware.project.atomic import write_whole

__all__ = ["sealed_builds"]

_KINDS = ("csim", "verilator", "verilator-runtime", "icarus")
_SEALS = "golden-seals.json"


@contextmanager
def sealed_builds(say: Callable[[str], None]) -> Iterator[None]:
    """Remove builds that are not as they were sealed, so that they are made again; seal what is there afterwards.

    Builds lie in the cache under the hash of what went into them. What came out of a build is not in that hash: a file
    that was cut off or replaced since is found here. A build is sealed once a check has run with it.

    Parameters
    ----------
    say : callable
        Told of every build that is removed.
    """
    root = cache_dir()
    seals = _read(root)
    for name, seal in seals.items():
        path = root / name
        if path.exists() and _digest(path) != seal:
            say(f"cache entry {name} is torn or was altered: made again")
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    known = {name: seal for name, seal in seals.items() if (root / name).exists()}
    yield
    fresh = {name: _digest(root / name) for name in _builds(root) if name not in known}
    if fresh or known != seals:
        root.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**known, **fresh}, sort_keys=True)
        write_whole(root / _SEALS, json.dumps({"seals": text, "sha256": _checksum(text)}) + "\n")


def _builds(root: Path) -> list[str]:
    """Finished builds: names with a dot in front are locks and unfinished ones."""
    return [
        f"{kind}/{path.name}"
        for kind in _KINDS
        for path in sorted((root / kind).glob("*"))
        if not path.name.startswith(".")
    ]


def _read(root: Path) -> dict[str, str]:
    try:
        data = json.loads((root / _SEALS).read_text())
        if data["sha256"] != _checksum(data["seals"]):
            return {}
        return {str(name): str(seal) for name, seal in json.loads(data["seals"]).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _digest(path: Path) -> str:
    """Of a file, or of names and contents in a folder; empty if it vanishes meanwhile."""
    digest = hashlib.sha256()
    try:
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file():
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{file.relative_to(path).as_posix()} {content}\n".encode())
    except OSError:
        return ""
    return digest.hexdigest()


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
