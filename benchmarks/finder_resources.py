"""What the vertex finder's blocks need, counted by Yosys, block by block.

    python benchmarks/finder_resources.py [--lanes 18] [--bins 256] [--bins-per-clock 16] [--json FILE]

Every block is synthesised alone (``synth_xilinx -family xcup``), with the parameters that the finder of
`firmware.vertex.examples` gives it, and multiplied by its copies. Not a figure of Vivado. Some minutes.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from firmware.resources import count_primitives
from firmware.rtl import stage_budget_ns, write_rtl
from firmware.settings import FirmwareSettings
from firmware.vertex.examples import example_finder
from firmware.vertex.finder import VertexFinder
from firmware.vertex.programs import trace_finder
from firmware.vertex.rtl.tables import table_module, table_source
from firmware.vertex.rtl.timing import finder_timing
from firmware.vertex.rtl.write import block_source


@dataclass(frozen=True)
class Count:
    """Primitives of one copy; memories and shift registers made of LUTs are counted in the LUTs they take."""

    block: str
    copies: int
    parameters: Mapping[str, int]
    lut: int
    lut_memory: int
    carry: int
    ff: int
    bram18: int


_LUTS_OF = {r"RAM32M16": 8, r"RAM32M": 4, r"RAM64M8": 8, r"RAM64M": 4, r"RAM\d+X1S": 1, r"RAM\d+X1D": 2,
            r"SRL16E": 1, r"SRLC32E": 1, r"RAM128X1D": 4, r"RAM256X1D": 8}  # fmt: skip


def count_text(block: str, text: str, copies: int, parameters: Mapping[str, int]) -> Count:
    """Primitives of one module in one file."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / f"{block}.v").write_text(text)
        (folder / "ports.json").write_text(json.dumps({"top": block, "sources": [f"{block}.v"]}))
        return count_folder(block, folder, copies, parameters)


def count_folder(block: str, folder: Path, copies: int, parameters: Mapping[str, int]) -> Count:
    """Primitives of a folder with ``ports.json``."""
    counted = count_primitives(folder, timeout_s=1800)
    memory = brams = 0
    for cell, count in counted.cells.items():
        memory += sum(luts * count for name, luts in _LUTS_OF.items() if re.fullmatch(name, cell))
        brams += {"RAMB18E2": count, "RAMB36E2": 2 * count}.get(cell, 0)
    return Count(block, copies, parameters, counted.lut, memory, counted.carry, counted.ff, brams)


def blocks(finder: VertexFinder, settings: FirmwareSettings) -> Iterator[tuple[str, int, dict[str, int]]]:
    """Our own blocks: name, copies, parameters."""
    timing = finder_timing(finder, settings)
    stored = finder.z0.width + sum(finder.feature(p.name).format.width for p in finder.association.inputs
                                   if p.name != "dz")  # fmt: skip
    lanes, words, width = finder.lanes, finder.bins_per_clock, finder.histogram.width
    yield "track_counter", lanes, {"TRACKS": finder.tracks_per_lane}
    yield "delay", lanes, {"WIDTH": finder.bins.bit_length() - 1, "CYCLES": timing.blocks["weight"]}
    yield "histogram_lane", lanes, {
        "BINS": finder.bins, "BINS_PER_CLOCK": words, "WIDTH": width, "WEIGHT_WIDTH": finder.weight_format.width,
    }  # fmt: skip
    yield "histogram_merge", 1, {"LANES": lanes, "WORDS": words, "WIDTH": width, "ARITY": timing.merge_arity}
    yield "row_window", 1, {"WORDS": words, "WIDTH": width, "SIDE": finder.kernel_size // 2}
    yield "argmax", 1, {
        "ROWS": finder.rows, "WORDS": words, "WIDTH": finder.pattern_format.width,
        "SIGNED": int(finder.pattern_format.signed),
    }  # fmt: skip
    yield "track_buffer", lanes, {"SLOTS": timing.slots, "TRACKS": finder.tracks_per_lane, "WIDTH": stored}
    yield "distance", lanes, {
        "Z0_WIDTH": finder.z0.width, "SHIFT": finder.distance_shift, "WIDTH": finder.distance_format.width,
    }  # fmt: skip
    yield "event_control", 1, {
        "SLOTS": timing.slots, "TRACKS": finder.tracks_per_lane, "II": timing.ii, "Z0_WIDTH": finder.z0.width,
        "HISTOGRAM_DELAY": timing.blocks["weight"] + 1, "REPLAY_DELAY": timing.association_latency - 2,
    }  # fmt: skip


def count_finder(finder: VertexFinder, settings: FirmwareSettings) -> Iterator[Count]:
    """Every block of a finder."""
    for feature in finder.features:
        if feature.table is not None:
            yield count_text(table_module(feature), table_source(finder, feature), finder.lanes, {})
    for name, copies, parameters in blocks(finder, settings):
        yield count_text(name, block_source(name, parameters), copies, parameters)
    programs = trace_finder(finder, stage_ns=stage_budget_ns(settings))
    for name, copies in (("weight", finder.lanes), ("pattern", 1), ("association", finder.lanes)):
        with TemporaryDirectory() as scratch:
            write_rtl(getattr(programs, name), Path(scratch), settings)
            yield count_folder(name, Path(scratch), copies, {})


def main() -> None:
    """Count all blocks, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=18)
    parser.add_argument("--bins", type=int, default=256)
    parser.add_argument("--bins-per-clock", type=int, default=16)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    finder = example_finder(lanes=arguments.lanes, bins=arguments.bins, bins_per_clock=arguments.bins_per_clock)
    counts = []
    print("| block | copies | LUT | LUT as memory | carry | FF | BRAM18 |\n|---|---|---|---|---|---|---|")
    for count in count_finder(finder, FirmwareSettings()):
        counts.append(count)
        figures = (count.lut, count.lut_memory, count.carry, count.ff, count.bram18)
        print(f"| {count.block} | {count.copies} | " + " | ".join(str(n * count.copies) for n in figures) + " |",
              flush=True)  # fmt: skip
    totals = [sum(getattr(count, name) * count.copies for count in counts)
              for name in ("lut", "lut_memory", "carry", "ff", "bram18")]  # fmt: skip
    print("| total | | " + " | ".join(map(str, totals)) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(count) for count in counts], indent=1) + "\n")


if __name__ == "__main__":
    main()
