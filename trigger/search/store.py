"""``candidates.jsonl``: a line is on disk before its candidate counts, and a torn last line is no line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from trigger.errors import UserError
from trigger.search.candidate import Candidate
from trigger.tasks.interface import Task

__all__ = ["CANDIDATES", "CandidateStore", "read_candidates"]

CANDIDATES = "candidates.jsonl"


class CandidateStore:
    """The finished candidates of one run, in memory and on disk.

    Opening reads what an earlier process left, and cuts off a line that it was killed in the middle of.

    Parameters
    ----------
    run_dir : Path
        Folder of the run; exists.
    task : Task
        Of the run's study.

    Raises
    ------
    UserError
        A complete line is no candidate: the file was edited or damaged.
    """

    def __init__(self, run_dir: Path, task: Task) -> None:
        self._path = run_dir / CANDIDATES
        candidates, whole_bytes = _read(self._path, task)
        self._found = {candidate.id: candidate for candidate in reversed(candidates)}
        self._file: BinaryIO = open(self._path, "ab")  # noqa: SIM115  (closed by __exit__)
        if self._file.tell() != whole_bytes:
            self._file.truncate(whole_bytes)
        _sync_folder(run_dir)

    def __enter__(self) -> CandidateStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def get(self, id: str) -> Candidate | None:
        """The candidate of that id, if it has finished."""
        return self._found.get(id)

    def append(self, candidate: Candidate) -> None:
        """Write a candidate, wait until it is on disk, and count it; one that is there already is left as it is."""
        if candidate.id in self._found:
            return
        self._file.write(candidate.line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._found[candidate.id] = candidate


def read_candidates(run_dir: Path, task: Task) -> tuple[Candidate, ...]:
    """All finished candidates of a run, in the order in which they finished.

    Parameters
    ----------
    run_dir : Path
    task : Task
        Of the run's study.

    Returns
    -------
    tuple of Candidate
        Empty where there is no run yet.

    Raises
    ------
    UserError
        A complete line is no candidate.
    """
    return tuple({candidate.id: candidate for candidate in _read(run_dir / CANDIDATES, task)[0]}.values())


def _read(path: Path, task: Task) -> tuple[list[Candidate], int]:
    if not path.exists():
        return [], 0
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    candidates = []
    for number, line in enumerate(content[:whole].splitlines(), start=1):
        try:
            candidates.append(Candidate.from_json(json.loads(line), task.genome.from_json))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"line {number} of {path.name} must be a candidate as written by a sweep, and is damaged or edited; "
                "remove that line to have the candidate evaluated again"
            ) from error
    return candidates, whole


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
