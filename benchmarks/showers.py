"""Speed of the shower generator: clusters a second by kind, on one core, and against one cluster at a time.

``python benchmarks/showers.py`` prints a Markdown table. Times are those of the process on one thread; the second
column runs the same code with batches of a single candidate, so that the ratio is what vectorising gains in one run.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import time
from typing import Any

from sim.events import KINDS, ShowerSettings, generate_clusters, showers
from sim.events.pool import load_pool


def rate(kind: str, n: int, batch: int, repeat: int) -> float:
    """Best clusters a second over `repeat` runs, with batches of `batch` candidates."""
    wanted: dict[str, Any] = {f"n_{kind}": n}
    pool = load_pool("shipped")
    usual = showers._BATCH
    showers._BATCH = batch
    try:
        best = float("inf")
        for seed in range(repeat):
            start = time.process_time()
            generate_clusters(ShowerSettings(), **wanted, seed=seed, pool=pool)
            best = min(best, time.process_time() - start)
    finally:
        showers._BATCH = usual
    return n / best


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=4000, help="clusters of each kind")
    options = parser.parse_args()
    print("| kind | clusters/s, one core | one candidate at a time | ratio |")
    print("|---|---|---|---|")
    seconds = {True: 0.0, False: 0.0}
    for kind in KINDS:
        fast = rate(kind, options.clusters, showers._BATCH, 3)
        slow = rate(kind, max(options.clusters // 40, 20), 1, 2)
        print(f"| {kind} | {fast:,.0f} | {slow:,.0f} | {fast / slow:.0f} |")
        if kind != "pion":  # the default data set: a quarter electrons, a quarter photons, half pile-up
            share = 0.5 if kind == "pileup" else 0.25
            seconds[True] += share / fast
            seconds[False] += share / slow
    fast, slow = 1 / seconds[True], 1 / seconds[False]
    print(f"| default mixture | {fast:,.0f} | {slow:,.0f} | {fast / slow:.0f} |")


if __name__ == "__main__":
    main()
