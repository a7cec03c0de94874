"""Seeds that depend on what is done, never on when or by whom; and DEAP's global generator, confined."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["derived_seed", "global_random"]


def derived_seed(seed: int, *purpose: object) -> int:
    """A seed for one purpose.

    Parameters
    ----------
    seed : int
        The study's seed.
    *purpose : words and numbers
        What the seed is for, e.g. ``"child", generation, index``.

    Returns
    -------
    int
        0 to 2**31 - 1.
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


@contextmanager
def global_random(seed: int) -> Iterator[None]:
    """Seed the module ``random``, which DEAP draws from, and restore its state afterwards."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
