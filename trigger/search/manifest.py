"""The folder of a run: who may write in it, and what it was made from."""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from firmware.project.atomic import write_whole
from trigger.config.canonical import hash8, resolved
from trigger.config.study import Study
from trigger.errors import UserError

__all__ = ["MANIFEST", "locked_run", "packages"]

MANIFEST = "manifest.json"
SCHEMA = 1
_PATIENCE_S = 3.0
_PACKAGES = (
    "trigger-codesign", "tensorflow", "tf-keras", "qkeras", "tensorflow-model-optimization", "alkaid", "deap", "numpy",
)  # fmt: skip


def packages(more: Sequence[str] = ()) -> dict[str, str]:
    """Versions of the packages that a search's result depends on; what is not installed is left out.

    Parameters
    ----------
    more : sequence of str
        Those of the task.
    """
    found = {}
    for name in (*_PACKAGES, *more):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@contextmanager
def locked_run(study: Study, run_dir: Path) -> Iterator[None]:
    """Make or enter the folder of a run, alone, and write ``manifest.json`` if it is new.

    The lock is the operating system's, so a killed process leaves none behind.

    Parameters
    ----------
    study : Study
    run_dir : Path

    Raises
    ------
    UserError
        Another process works in it, or it belongs to another study or to other versions.
    """
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(run_dir / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise UserError(
            f"folder of the run '{run_dir}' must be writable: {error.strerror}; give another with --out"
        ) from error
    try:
        if not _lock(descriptor):
            raise UserError(
                f"folder of the run '{run_dir}' must be used by one process at a time, and another one is at work"
            )
        _check_manifest(study, run_dir)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Try for a while: a process that was just starting a worker when it was killed leaves the lock a moment later."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _check_manifest(study: Study, run_dir: Path) -> None:
    path = run_dir / MANIFEST
    installed = packages(study.task.packages)
    mine = {
        "schema": SCHEMA,
        "hash": hash8(study),
        "seed": study.seed,
        "study": resolved(study),
        "packages": installed,
    }
    if not path.exists():
        write_whole(path, json.dumps(mine, indent=2, sort_keys=True) + "\n")
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        same_study, versions = there["hash"] == mine["hash"], there["packages"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"'{path}' must be a manifest as written by a sweep; move the folder away") from error
    if not same_study:
        raise UserError(
            f"'{run_dir}' must hold a run of this configuration, and holds another one; give another folder with --out"
        )
    changed = [name for name, version in installed.items() if versions.get(name) != version]
    if changed:
        was = ", ".join(f"{name} {versions.get(name, 'absent')} -> {installed[name]}" for name in changed)
        raise UserError(
            f"'{run_dir}' must be continued with the packages it was begun with ({was}); "
            "move the folder away to begin anew"
        )
