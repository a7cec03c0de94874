"""Verdicts of checks that passed, kept under the hash of everything that they depend on, each with a checksum."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from firmware.errors import UserError
from firmware.golden.folder import GOLDEN, hashes
from firmware.golden.outcome import GoldenOutcome, Row
from firmware.project import cache_dir
from firmware.project.atomic import write_whole
from firmware.project.cache import content_key
from firmware.verify.toolchain import versions as tool_versions

__all__ = ["keep_verdict", "kept_verdict", "verdict_key"]

_KIND = "golden"
_SOURCES = ("firmware", "sim.bench")
"""Packages of ours that make a project and run its rungs."""
_KEPT = 256


def verdict_key(folder: Path, versions: Mapping[str, str], options: Iterable[str]) -> str:
    """Hash of a golden folder, our own sources, versions of packages and tools, and what was asked for."""
    content = [f"{name} {digest}" for name, digest in hashes(folder).items()]
    own = [(folder / name).read_bytes() for name in (GOLDEN, "budgets.json")]
    packages = json.dumps(versions, sort_keys=True)
    return content_key(["1", *_our_sources(), packages, _tools(), *options, *content, *own])


def keep_verdict(key: str, outcome: GoldenOutcome) -> None:
    """Keep the verdict of a check that passed."""
    folder = cache_dir() / _KIND
    folder.mkdir(parents=True, exist_ok=True)
    body = json.dumps({"key": key, "outcome": outcome.to_json()}, sort_keys=True)
    write_whole(folder / f"{key}.json", json.dumps({"body": body, "sha256": _checksum(body)}) + "\n")
    for old in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)


def kept_verdict(key: str, say: Callable[[str], None]) -> GoldenOutcome | None:
    """The verdict kept under a key; None if there is none, or what is there is torn or was altered.

    Parameters
    ----------
    key : str
    say : callable
        Told of an entry that cannot be used; it is removed.
    """
    path = cache_dir() / _KIND / f"{key}.json"
    try:
        entry = json.loads(path.read_text())
        if entry["sha256"] != _checksum(entry["body"]):
            raise ValueError("its checksum is another")
        data = json.loads(entry["body"])
        if data["key"] != key:
            raise ValueError("it is that of another check")
        found = data["outcome"]
        rows = tuple(Row(**row) for row in found["rows"])
        moved = {name: (then, now) for name, (then, now) in found["versions"].items()}
        outcome = GoldenOutcome(found["golden"], rows, moved, cached=True)
        if not outcome.passed:
            raise ValueError("it is not one that passed")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        say(f"cache entry golden/{path.name} is torn or was altered ({error}): made again")
        path.unlink(missing_ok=True)
        return None
    return outcome


def _tools() -> str:
    try:
        return tool_versions("verilator")
    except UserError:  # not all installed; a rung that needs them says so
        return "incomplete"


@cache
def _our_sources() -> tuple[str, ...]:
    found = []
    for package in _SOURCES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        for root in spec.submodule_search_locations or ():
            for path in sorted(Path(root).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    name = f"{package}/{path.relative_to(root).as_posix()}"
                    found.append(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return tuple(found)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
