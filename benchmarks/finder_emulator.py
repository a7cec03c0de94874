"""The vertex finder's emulator against its C-simulation, word by word, and against its RTL simulation in speed.

    python benchmarks/finder_emulator.py [--project DIR] [--events 100000] [--rtl-events 1000] [--threads 1]

Events are whole: 190 tracks in the mean, some empty, some with lanes that overflow. Without a project that of a finder
of the published shape with random weights is made first. Compiling is not timed; every word of every output is
compared. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from firmware.convert import convert
from firmware.project import cache_dir
from firmware.vertex.compare import compare_outputs, count_words
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.events import FinderEvents
from firmware.vertex.examples import example_events, example_finder
from firmware.vertex.finder import VertexFinder
from firmware.vertex.hls import build
from firmware.vertex.project import read_finder, read_programs
from firmware.vertex.rtl import simulate_finder

_AT_ONCE = 5_000
_SEEN_IN_RTL = ("kept", "truncated", "bin", "z0", "peak", "association")


def machine() -> str:
    """Processor and cores."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{os.cpu_count()} cores, {names[0] if names else platform.processor()}"


def pieces(finder: VertexFinder, events: int) -> Iterator[FinderEvents]:
    """Events, some thousands at once."""
    for seed, first in enumerate(range(0, events, _AT_ONCE)):
        yield example_events(finder, min(_AT_ONCE, events - first), seed)


def against_c_simulation(project: Path, events: int, threads: int) -> dict[str, Any]:
    """Both on the same events; words that differ, and events a second."""
    finder = read_finder(project)
    emulator = FinderEmulator(finder, read_programs(project))
    simulation = build(project / "hls", cache_dir() / "csim")
    seconds = {"emulator": 0.0, "c_simulation": 0.0}
    mismatches = words = tracks = truncated = 0
    for part in pieces(finder, events):
        start = time.perf_counter()
        expected = emulator.run(part, threads=threads)
        middle = time.perf_counter()
        received = simulation.predict(part, threads=threads)
        seconds["emulator"] += middle - start
        seconds["c_simulation"] += time.perf_counter() - middle
        mismatches += compare_outputs(finder, part, expected, received).mismatches
        words += count_words(part)
        tracks += len(part.words)
        truncated += int(expected.truncated.sum())
    rates = {name: round(events / spent) for name, spent in seconds.items()}
    return {
        "events": events, "tracks": tracks, "truncated_events": truncated, "words_compared": words,
        "events_that_differ": mismatches, "events_per_second": rates,
        "ratio": round(rates["emulator"] / rates["c_simulation"], 1),
    }  # fmt: skip


def against_rtl(project: Path, events: int, threads: int) -> dict[str, Any]:
    """The RTL simulation of some events, compiled before, and the emulator on the same ones."""
    finder = read_finder(project)
    emulator = FinderEmulator(finder, read_programs(project))
    part = example_events(finder, events, seed=1_000)
    emulator.run(part, threads=threads)  # fills its tables
    simulate_finder(project / "rtl", finder, part.take(0, 2), resets=0)  # compiles
    start = time.perf_counter()
    expected = emulator.run(part, threads=threads)
    middle = time.perf_counter()
    simulation = simulate_finder(project / "rtl", finder, part, resets=0, gaps=0.0)
    end = time.perf_counter()
    rates = {"emulator": round(events / (middle - start)), "rtl": round(events / (end - middle), 1)}
    compared = compare_outputs(finder, part, expected, simulation.outputs, _SEEN_IN_RTL)
    return {
        "events": events, "events_that_differ": compared.mismatches, "problems": list(simulation.problems),
        "latency_cycles": simulation.latency_cycles, "ii": simulation.ii, "clocks": simulation.clocks,
        "events_per_second": rates, "ratio": round(rates["emulator"] / rates["rtl"]),
    }  # fmt: skip


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--project", type=Path, help="folder of a vertex finder's project")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rtl-events", type=int, default=1_000)
    parser.add_argument("--threads", type=int, default=1, help="of emulator and C-simulation")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        project = arguments.project or convert(example_finder(0), scratch, name="published_shape")
        finder = read_finder(project)
        found = {
            "machine": machine(), "numpy": np.__version__, "finder": finder.name, "lanes": finder.lanes,
            "bins": finder.bins, "threads": arguments.threads,
            "emulator_against_c_simulation": against_c_simulation(project, arguments.events, arguments.threads),
            "emulator_against_rtl": against_rtl(project, arguments.rtl_events, arguments.threads),
        }  # fmt: skip
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
