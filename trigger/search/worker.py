"""The inside of a worker process: set up once, then one candidate after the other."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import parent_process
from pathlib import Path

from trigger.config.study import Study
from trigger.search.job import Evaluate, EvaluatorFactory, Job, Preparing

__all__ = ["one_thread_each", "serve"]

_ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_DETERMINISTIC_OPS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
}


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Environment for starting workers: libraries read their thread counts when they are imported.

    One thread each makes results independent of the number of workers, and of the machine's number of cores.
    """
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def serve(connection: Connection, factory: EvaluatorFactory, study: Study, run_dir: Path) -> None:
    """Answer jobs until the connection closes.

    Received are tuples of jobs. Messages sent: ``("ready", together)`` with the number of jobs that the evaluator takes
    at once, ``("broken", kind, text)`` if the set-up failed, and for each job, in order, ``("done", Evaluation,
    seconds)`` or ``("failed", text, seconds)``.

    Parameters
    ----------
    connection : Connection
    factory : callable
    study : Study
    run_dir : Path
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        evaluate = factory(study, run_dir)
    except Exception as error:  # whatever it is, the parent has to hear of it
        connection.send(("broken", isinstance(error, ValueError), f"{error}" or repr(error)))
        return
    # The other end closes when the search is over, or interrupted: no error of this process.
    with suppress(EOFError, OSError):
        connection.send(("ready", evaluate.together if isinstance(evaluate, Preparing) else 1))
        while True:
            for answer in _answers(evaluate, connection.recv()):
                connection.send(answer)


def _answers(evaluate: Evaluate, jobs: Sequence[Job]) -> Iterator[tuple[object, ...]]:
    """Answers of all jobs in order; the time that was spent on all of them counts in equal parts."""
    started = time.perf_counter()
    failure = ""
    if isinstance(evaluate, Preparing):
        try:
            evaluate.prepare(jobs)
        except Exception as error:  # the search goes on, and says why these are missing
            failure = f"{type(error).__name__}: {error}"
    shared = (time.perf_counter() - started) / len(jobs)
    for job in jobs:
        kind, content, seconds = ("failed", failure, 0.0) if failure else _answer(evaluate, job)
        yield kind, content, seconds + shared


def _answer(evaluate: Evaluate, job: Job) -> tuple[str, object, float]:
    started = time.perf_counter()
    try:
        kind, content = "done", evaluate(job)
    except Exception as error:  # one bad candidate must not end the search
        return "failed", f"{type(error).__name__}: {error}", time.perf_counter() - started
    return kind, content, time.perf_counter() - started


def _die_with_parent() -> None:
    """A killed parent must not leave workers that go on writing into the folder of its successor."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
