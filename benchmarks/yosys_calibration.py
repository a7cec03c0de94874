"""Adder-graph cost beside Yosys's count of primitives, over designs of different size.

Writes the table and the rank correlation into ``docs/resources.md``, between its two markers.
About 5 minutes of one idle core::

    python benchmarks/yosys_calibration.py
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph import trace_network
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense, Input, Layer, Relu
from firmware.network.network import Network
from firmware.project.atomic import write_whole
from firmware.resources import count_primitives, estimate
from firmware.rtl import stage_budget_ns, write_rtl
from firmware.settings import FirmwareSettings

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "resources.md"
BEGIN, END = "<!-- calibration: begin -->", "<!-- calibration: end -->"
SETTINGS = FirmwareSettings()
DESIGNS = (
    ((4, 4, 1), 3, 0.0), ((4, 4, 1), 5, 0.5), ((4, 6, 1), 4, 0.5), ((6, 6, 1), 4, 0.5), ((6, 6, 1), 6, 0.5),
    ((6, 8, 1), 6, 0.5), ((6, 8, 8, 1), 4, 0.5), ((6, 8, 8, 1), 6, 0.5), ((9, 8, 1), 4, 0.5),
    ((9, 8, 1), 8, 0.5), ((9, 12, 1), 6, 0.75), ((9, 16, 8, 1), 3, 0.5), ((9, 16, 8, 1), 4, 0.5),
    ((9, 16, 8, 1), 5, 0.75), ((9, 16, 8, 1), 6, 0.5), ((9, 12, 6, 1), 5, 0.5), ((12, 8, 4), 6, 0.5),
    ((12, 12, 8, 3), 5, 0.5), ((16, 8, 5), 5, 0.5), ((16, 16, 5), 6, 0.75), ((16, 16, 16, 5), 4, 0.5),
    ((16, 16, 16, 5), 6, 0.5),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One design and its figures."""

    name: str
    emitted: float
    two_input: float
    estimate: int
    registers: int
    lut: int
    ff: int


def main() -> None:
    """Measure all designs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--designs", type=int, default=len(DESIGNS), help="only the first so many")
    count = parser.parse_args().designs
    rows = []
    for sizes, bits, zeros in DESIGNS[:count]:
        start = time.perf_counter()
        rows.append(measure(sizes, bits, zeros))
        print(f"{rows[-1]} {time.perf_counter() - start:.0f} s", flush=True)
    text = DOCUMENT.read_text()
    head, rest = text.split(BEGIN)
    write_whole(DOCUMENT, f"{head}{BEGIN}\n{table(rows)}{END}{rest.split(END)[1]}")


def network(sizes: tuple[int, ...], bits: int, zeros: float) -> Network:
    """Dense layers with normally distributed weights, a share of them zero; ReLU of the same bits between."""
    rng = np.random.default_rng([*sizes, bits, round(100 * zeros)])
    fmt = FixedPoint(bits, 0, True)
    layers: list[Layer] = [Input(name="x", shape=(sizes[0],), format=FixedPoint(bits, 0, False))]
    for number, (n_in, n_out) in enumerate(pairwise(sizes)):
        spread = 1.5 / np.sqrt(n_in * (1 - zeros)) if zeros < 1 else 0
        kernel = fmt.quantise(rng.normal(0, spread, (n_in, n_out)) * (rng.random((n_in, n_out)) >= zeros))
        bias = fmt.quantise(rng.normal(0, 0.1, n_out))
        layers.append(
            Dense(
                name=f"dense_{number}", source=layers[-1].name, units=n_out, kernel_format=fmt, bias_format=fmt,
                kernel=kernel, bias=bias,
            )
        )  # fmt: skip
        if number < len(sizes) - 2:
            layers.append(Relu(name=f"relu_{number}", source=layers[-1].name, format=FixedPoint(bits, 1, False)))
    return Network(f"mlp_{'_'.join(map(str, sizes))}", tuple(layers), (layers[-1].name,))


def measure(sizes: tuple[int, ...], bits: int, zeros: float) -> Row:
    """Trace, write and synthesise one design."""
    program = trace_network(network(sizes, bits, zeros), stage_ns=stage_budget_ns(SETTINGS))
    assert program.comb.ops, "a design of which nothing is left says nothing"
    with TemporaryDirectory() as scratch:
        info = write_rtl(program, Path(scratch), SETTINGS)
        counted = count_primitives(Path(scratch), timeout_s=900)
    name = f"{'-'.join(map(str, sizes))}, {bits} bits, {zeros:.0%} zero"
    lut = estimate(program, info.stages).lut
    return Row(name, program.cost, program.two_input_cost, lut, info.register_bits, counted.lut, counted.ff)


def rank_correlation(first: list[float], second: list[float]) -> float:
    """Spearman's rank correlation; equal values share their mean rank."""
    return float(np.corrcoef(_ranks(np.array(first)), _ranks(np.array(second)))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def table(rows: list[Row]) -> str:
    """The figures as Markdown."""
    rows = sorted(rows, key=lambda row: row.two_input)
    lut = [float(row.lut) for row in rows]
    ratios = [row.lut / row.estimate for row in rows]
    two_input = rank_correlation([row.two_input for row in rows], lut)
    emitted = rank_correlation([row.emitted for row in rows], lut)
    flops = rank_correlation([float(row.registers) for row in rows], [float(row.ff) for row in rows])
    lines = [
        f"Spearman's rank correlation over {len(rows)} designs: {two_input:.3f} between the cost as two-input adders "
        f"and Yosys's LUTs, {emitted:.3f} for the cost as emitted, {flops:.3f} between the Verilog's registers and "
        f"Yosys's flip-flops. Yosys's LUTs are {min(ratios):.2f} to {max(ratios):.2f} of the estimate "
        f"(median {np.median(ratios):.2f}).",
        "",
        "| design | cost as emitted | cost as two-input adders | LUT, estimate | LUT, Yosys | registers | FF, Yosys |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (row.name, f"{row.emitted:.0f}", f"{row.two_input:.0f}", row.estimate, row.lut, row.registers, row.ff)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
