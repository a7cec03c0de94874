"""The same function over many jobs, in processes of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_jobs(function: Callable[..., Result], jobs: Sequence[tuple[Any, ...]], workers: int) -> Iterator[Result]:
    """Call ``function(*job)`` for every job and yield each result as it is finished, in any order.

    With one worker, or one job, everything runs in this process. `function` must be importable.
    """
    workers = min(workers, len(jobs))
    if workers <= 1:
        for job in jobs:
            yield function(*job)
        return
    # spawned, not forked: the parent may hold the threads of a training library
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as executor:
        try:
            for future in as_completed([executor.submit(function, *job) for job in jobs]):
                yield future.result()
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
