"""Events per second of the adder-graph emulator, hls4ml's own C-simulation, and ours, on 16-64-32-32-5, in one run.

    python benchmarks/emulator_speed.py [--events 20000] [--repeats 5]

The three take the same words; their outputs are compared before anything is timed. Medians over repeats that take
turns, so that a busy machine hurts all alike.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph.emulator import emulate
from firmware.adder_graph.trace import trace_network
from firmware.hls import build, write_hls
from firmware.hls.keras_swap import legacy_keras
from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import output_formats
from firmware.network.layers import Dense, Input, Layer, Relu
from firmware.network.network import Network
from firmware.network.qkeras_io import to_qkeras
from firmware.settings import FirmwareSettings

WIDTHS = (16, 64, 32, 32, 5)
BITS = 6


def reference_network(seed: int = 0) -> Network:
    """16-64-32-32-5, 6 bits, half of the weights zero."""
    rng = np.random.default_rng(seed)
    weights = FixedPoint.from_quantized_bits(BITS, 0)
    # Signed inputs: hls4ml takes every quantized_bits for signed, whatever its keep_negative.
    layers: list[Layer] = [Input(name="x", shape=WIDTHS[:1], format=weights)]
    for i, (n_in, units) in enumerate(pairwise(WIDTHS)):
        kernel = rng.integers(weights.lowest, weights.highest, (n_in, units), endpoint=True)
        kernel[rng.random(kernel.shape) < 0.5] = 0
        bias = rng.integers(weights.lowest, weights.highest, units, endpoint=True)
        layers.append(
            Dense(
                name=f"dense_{i}", source=layers[-1].name, units=units, kernel_format=weights, bias_format=weights,
                kernel=kernel, bias=bias,
            )
        )  # fmt: skip
        if units != WIDTHS[-1]:
            layers.append(Relu(name=f"relu_{i}", source=f"dense_{i}", format=FixedPoint.from_quantized_relu(BITS, 3)))
    return Network("reference", tuple(layers), (layers[-1].name,))


def plain_hls4ml(model: Any, folder: Path) -> tuple[Any, float]:
    """hls4ml as its documentation uses it: converted and compiled; and the seconds to compile."""
    with legacy_keras(), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import hls4ml

        config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend="Vitis")
        graph = hls4ml.converters.convert_from_keras_model(
            model, hls_config=config, output_dir=str(folder), backend="Vitis", bit_exact=True
        )
        graph.config.config.pop("KerasModel", None)
        start = time.perf_counter()
        graph.compile()
    return graph, time.perf_counter() - start


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    network = reference_network()
    model = to_qkeras(network)
    output = network.outputs[0]
    form = output_formats(network)[output]
    rng = np.random.default_rng(1)
    words = {"x": rng.integers(-(1 << (BITS - 1)), 1 << (BITS - 1), (options.events, WIDTHS[0]))}
    values = np.ascontiguousarray(words["x"] * 2.0 ** -(BITS - 1), dtype=np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        start = time.perf_counter()
        program = trace_network(network)
        seconds_trace = time.perf_counter() - start
        write_hls(model, network, folder / "hls", FirmwareSettings())
        start = time.perf_counter()
        simulation = build(folder / "hls", folder / "lib")
        seconds_build = time.perf_counter() - start
        graph, seconds_plain = plain_hls4ml(model, folder / "plain")
        runs: dict[str, Callable[[], NDArray[Any]]] = {
            "emulator": lambda: emulate(program, words)[output],
            "hls4ml_predict": lambda: graph.predict(values),
            "csim": lambda: simulation.predict(words)[output],
            "csim_one_thread": lambda: simulation.predict(words, threads=1)[output],
        }
        results = {name: run() for name, run in runs.items()}  # warm, and compared
        results["hls4ml_predict"] = np.asarray(results["hls4ml_predict"], np.float64) * 2.0**form.fraction
        differing = {name: int(np.any(array != results["emulator"], axis=1).sum()) for name, array in results.items()}
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(options.repeats):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - start)
    rates = {name: options.events / statistics.median(taken) for name, taken in seconds.items()}
    report = {
        "network": "-".join(map(str, WIDTHS)),
        "events": options.events,
        "repeats": options.repeats,
        "events_that_differ_from_emulator": differing,
        "events_per_second": {name: round(rate) for name, rate in rates.items()},
        "emulator_over_hls4ml_predict": round(rates["emulator"] / rates["hls4ml_predict"], 1),
        "emulator_over_csim": round(rates["emulator"] / rates["csim"], 1),
        "seconds_to_prepare": {
            "emulator_trace": round(seconds_trace, 2),
            "csim_build": round(seconds_build, 2),
            "hls4ml_compile": round(seconds_plain, 2),
        },
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
