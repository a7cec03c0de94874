"""Worker processes that may die, keep memory, or fail on one candidate, without the search ending for it."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType

from trigger.config.study import Study
from trigger.errors import UserError
from trigger.search.job import Evaluation, EvaluatorFactory, Job
from trigger.search.worker import one_thread_each, serve

__all__ = ["Answer", "WorkerPool"]

_ATTEMPTS = 2
"""A candidate whose worker died is tried once more, since the cause is mostly the machine's memory."""
_FAILED_STARTS = 3


@dataclass(frozen=True)
class Answer:
    """What became of a job: an evaluation, or the reason why there is none."""

    job: Job
    evaluation: Evaluation | None
    reason: str
    seconds: float


class _Worker:
    def __init__(self, factory: EvaluatorFactory, study: Study, run_dir: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection: Connection
        self.connection, theirs = context.Pipe()
        with one_thread_each():
            self.process: SpawnProcess = context.Process(
                target=serve, args=(theirs, factory, study, run_dir), daemon=True
            )
            self.process.start()
        theirs.close()
        self.ready = False
        self.together = 1
        """Jobs that its evaluator takes at once."""
        self.jobs: deque[Job] = deque()
        """Sent, and not yet answered; answers come in this order."""
        self.served = 0

    def stop(self) -> None:
        if self.jobs or not self.ready:
            self.process.kill()
        self.connection.close()
        self.process.join(timeout=5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


class WorkerPool:
    """A fixed number of spawned processes that evaluate jobs.

    Parameters
    ----------
    factory : callable
        Makes the evaluator, once in every process.
    study : Study
    run_dir : Path
    workers : int
        Processes, at least 1.
    recycle_after : int
        Jobs after which a process is replaced.

    Notes
    -----
    An evaluator that prepares several jobs together (`trigger.search.job.Preparing`) is sent several at once.
    """

    def __init__(
        self, factory: EvaluatorFactory, study: Study, run_dir: Path, *, workers: int, recycle_after: int
    ) -> None:
        self._make = lambda: _Worker(factory, study, run_dir)
        self._size = workers
        self._recycle_after = recycle_after
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """Evaluate all jobs; answers come as they finish.

        Raises
        ------
        UserError
            The set-up of a worker refused the user's input.
        RuntimeError
            Workers cannot be started, for another reason.
        """
        waiting = deque(jobs)
        deaths: dict[str, int] = {}
        open_jobs = len(waiting)
        while open_jobs:
            self._fill(waiting, deaths)
            for worker in self._wait():
                for answer in self._hear(worker, waiting, deaths):
                    open_jobs -= 1
                    yield answer

    def _fill(self, waiting: deque[Job], deaths: Mapping[str, int]) -> None:
        busy = sum(bool(worker.jobs) for worker in self._workers)
        while len(self._workers) < min(self._size, busy + len(waiting)):
            self._workers.append(self._make())
        for worker in self._workers:
            if waiting and worker.ready and not worker.jobs:
                worker.jobs.extend(self._take(waiting, deaths, worker.together))
                with suppress(OSError):  # it died while idle: the end of its pipe is heard next
                    worker.connection.send(tuple(worker.jobs))

    def _take(self, waiting: deque[Job], deaths: Mapping[str, int], together: int) -> list[Job]:
        """Jobs for one worker: its share of those that wait, at most as many as it takes at once."""
        idle = max(1, self._size - sum(bool(worker.jobs) for worker in self._workers))
        share = min(together, -(-len(waiting) // idle))
        taken = [waiting.popleft()]
        # One that was there when a worker died is tried alone, so that it takes no other with it.
        while len(taken) < share and waiting and taken[0].id not in deaths and waiting[0].id not in deaths:
            taken.append(waiting.popleft())
        return taken

    def _wait(self) -> list[_Worker]:
        heard = set(wait([worker.connection for worker in self._workers]))
        return [worker for worker in self._workers if worker.connection in heard]

    def _hear(self, worker: _Worker, waiting: deque[Job], deaths: dict[str, int]) -> list[Answer]:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            return self._bury(worker, waiting, deaths)
        if message[0] == "ready":
            worker.ready, worker.together, self._failed_starts = True, message[1], 0
            return []
        if message[0] == "broken":
            _, of_the_user, text = message
            raise UserError(text) if of_the_user else RuntimeError(f"a worker could not be set up: {text}")
        job = worker.jobs.popleft()
        worker.served += 1
        if worker.served >= self._recycle_after and not worker.jobs:
            self._remove(worker)
        kind, content, seconds = message
        if kind == "done":
            return [Answer(job, content, "", seconds)]
        return [Answer(job, None, content, seconds)]

    def _bury(self, worker: _Worker, waiting: deque[Job], deaths: dict[str, int]) -> list[Answer]:
        jobs, ready = list(worker.jobs), worker.ready
        worker.process.join(timeout=5)
        exit_code = worker.process.exitcode
        self._remove(worker)
        if not jobs and not ready:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise RuntimeError(
                    f"{_FAILED_STARTS} worker processes in a row ended before they were set up (exit code {exit_code})"
                )
        answers = []
        for job in reversed(jobs):
            deaths[job.id] = deaths.get(job.id, 0) + 1
            if deaths[job.id] < _ATTEMPTS:
                waiting.appendleft(job)
            else:
                reason = f"its worker process ended {_ATTEMPTS} times (exit code {exit_code})"
                answers.append(Answer(job, None, reason, 0.0))
        return answers

    def _remove(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.stop()
