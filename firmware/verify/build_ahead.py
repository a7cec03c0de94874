"""Compiling in the background: it takes one core for most of a verification."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["build_ahead"]

_Built = TypeVar("_Built")


@contextmanager
def build_ahead(build: Callable[[], _Built] | None) -> Iterator[Future[_Built] | None]:
    """Yield what ``build`` will return, while it runs beside the block; None if there is nothing to build."""
    if build is None:
        yield None
        return
    pool = ThreadPoolExecutor(1, thread_name_prefix="hls-build")
    try:
        yield pool.submit(build)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
