"""Events with 200 pile-up collisions a second on one core: overlay alone, and with digitisation and packing.

Run as ``python benchmarks/track_events.py [POOL]``; POOL is "shipped" (the default), "pythia" (what the cache of
this folder holds, or makes) or a folder of pool files.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from sim.events.tracks import (
    PROCESSES,
    Overlay,
    PoolSettings,
    TrackSettings,
    build_split_pool,
    load_pool_files,
    overlay_events,
)
from sim.events.tracks.overlay import BLOCK_EVENTS, block_rng, block_words, draw_block


def rates(overlay: Overlay, blocks: int) -> dict[str, float]:
    """Events a second of process time of this one thread."""
    drawn, start = [], time.process_time()
    for number in range(blocks):
        rng = block_rng(overlay, number)
        drawn.append((draw_block(overlay, number, rng), rng))
    draw_time, start = time.process_time() - start, time.process_time()
    for block, rng in drawn:
        block_words(overlay, block, rng)
    word_time = time.process_time() - start
    drawn.clear()
    start = time.process_time()
    overlay_events(overlay, 0, blocks * BLOCK_EVENTS)
    whole = time.process_time() - start
    n = blocks * BLOCK_EVENTS
    return {"overlay alone": n / draw_time, "digitise and pack": n / word_time, "whole, into one table": n / whole}


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool", nargs="?", default="shipped")
    parser.add_argument("--cache-dir", type=Path, default=Path(".cache/events"))
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    settings = TrackSettings()
    files = load_pool_files(options.pool, PoolSettings(), options.cache_dir, workers=2)
    overlay = Overlay(build_split_pool(files, "train", settings), "train", settings, 0.5, 1)
    overlay_events(overlay, 0, BLOCK_EVENTS)
    runs = [rates(overlay, options.events // BLOCK_EVENTS) for _ in range(options.repeat)]
    for name in runs[0]:
        values = [run[name] for run in runs]
        print(f"{name:24s} best {max(values):9,.0f}  median {np.median(values):9,.0f} events/s")
    events = overlay_events(overlay, 0, 20_000)
    for number, process in enumerate(PROCESSES):
        some = events.take(events.process == number)
        print(
            f"{process:6s} {some.n_tracks.mean():6.1f} tracks, {some.is_primary.mean():.3f} primary, "
            f"{np.mean(some.n_tracks > 250):.4f} above 250 tracks"
        )


if __name__ == "__main__":
    main()
