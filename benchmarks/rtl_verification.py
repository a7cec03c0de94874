"""How long the RTL rung takes on the reference network, build included: 16-64-32-32-5, 6 bits, half the weights zero.

Run from the repository: ``python benchmarks/rtl_verification.py [--events N] [--keep-build]``. The first run also
compiles Verilator's run-time library (kept in the cache); the figure printed last is with that library there.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

import firmware
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense, Input, Layer, Relu
from firmware.network.network import Network
from firmware.project import cache_dir

WIDTHS = (16, 64, 32, 32, 5)
BITS = 6
SPARSITY = 0.5


def reference_network(seed: int = 0) -> Network:
    """Random weights over the whole range, half of them zero."""
    rng = np.random.default_rng(seed)
    weight = FixedPoint(BITS, 0, True)
    layers: list[Layer] = [Input(name="x", shape=(WIDTHS[0],), format=FixedPoint(BITS, 0, False))]
    for number, (n_in, n_out) in enumerate(pairwise(WIDTHS), start=1):
        kernel = rng.integers(weight.lowest, weight.highest, (n_in, n_out), endpoint=True)
        kernel[rng.random((n_in, n_out)) < SPARSITY] = 0
        bias = rng.integers(weight.lowest, weight.highest, n_out, endpoint=True)
        name = f"dense_{number}"
        layers.append(
            Dense(name=name, source=layers[-1].name, units=n_out, kernel_format=weight, bias_format=weight,
                  kernel=kernel, bias=bias)
        )  # fmt: skip
        if n_out != WIDTHS[-1]:
            layers.append(Relu(name=f"relu_{number}", source=name, format=FixedPoint(BITS, 2, False)))
    return Network("reference", tuple(layers), (layers[-1].name,))


def timed_rtl_rung(project: Path, events: int) -> str:
    """Seconds of the RTL rung alone, those of compilers and simulator by processor time, and what it found."""
    start, used = time.perf_counter(), _children_cpu_s()
    result = firmware.verify(project, n_events=events, rtl_events=events, checks=["rtl_vs_emulator"])
    wall, cpu = time.perf_counter() - start, _children_cpu_s() - used
    return f"{wall:.1f} s ({cpu:.1f} s of processor time in compilers and simulator); {result.checks[0]}"


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def machine() -> str:
    """Processor and cores."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = models[0] if models else "unknown processor"
    return f"{processor}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"


def main() -> None:
    """Convert, then time the rung: with the design compiled anew, and with it found in the cache."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--keep-build", action="store_true", help="do not forget the compiled design first")
    arguments = parser.parse_args()
    print(f"machine: {machine()}")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        project = firmware.convert(reference_network(), folder, name="reference")
        print(f"convert: {time.perf_counter() - start:.1f} s")
        if not arguments.keep_build:
            firmware.verify(project, n_events=10, rtl_events=10, checks=["rtl_vs_emulator"])
            shutil.rmtree(cache_dir() / "verilator", ignore_errors=True)
        for label in ("RTL rung, design compiled anew", "RTL rung, design in the cache"):
            print(f"{label}: {timed_rtl_rung(project, arguments.events)}")


if __name__ == "__main__":
    main()
