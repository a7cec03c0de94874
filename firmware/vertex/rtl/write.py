"""Writes the finder's Verilog: generated modules, the networks by the common converter, our own blocks as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from firmware.adder_graph import Program
from firmware.errors import UserError
from firmware.rtl import stage_budget_ns, write_rtl
from firmware.rtl.constraints import port_constraints, vivado_script
from firmware.settings import FirmwareSettings
from firmware.vertex.finder import ASSOCIATION, PATTERN, WEIGHT, VertexFinder
from firmware.vertex.programs import FinderPrograms, trace_finder
from firmware.vertex.rtl.lane_module import LANE, lane_source
from firmware.vertex.rtl.tables import table_module, table_source
from firmware.vertex.rtl.timing import FinderTiming, block_delays_ns, finder_timing
from firmware.vertex.rtl.top_module import TOP, top_source

__all__ = ["BLOCKS", "FinderRtl", "block_source", "write_finder_rtl"]

BLOCKS = (
    "delay", "track_counter", "track_buffer", "histogram_lane", "histogram_merge", "row_window", "argmax", "distance",
    "event_control",
)  # fmt: skip
"""Our own modules, each in a file of its name."""


@dataclass(frozen=True)
class FinderRtl:
    """What was written.

    Parameters
    ----------
    top : str
        Name of the top module.
    latency_cycles, ii, association_latency, slots : int
        As in `FinderTiming`.
    blocks : mapping of str to int
        Clocks that each block adds to ``latency_cycles``.
    stage_delay_ns : float
        Longest path between two registers, by estimate; no tool has closed it.
    sources : tuple of str
        Verilog files, relative to the folder, in order of compilation.
    """

    top: str
    latency_cycles: int
    ii: int
    association_latency: int
    slots: int
    blocks: Mapping[str, int]
    stage_delay_ns: float
    sources: tuple[str, ...]


def block_source(name: str, parameters: Mapping[str, int] | None = None) -> str:
    """Verilog of one of `BLOCKS`, with other defaults of its parameters if they are given."""
    text = (files("firmware.vertex.rtl") / "blocks" / f"{name}.v").read_text()
    for parameter, value in (parameters or {}).items():
        text, count = re.subn(rf"(parameter {parameter} *= )\d+", rf"\g<1>{value}", text)
        if count != 1:
            raise UserError(f"parameter '{parameter}' of block '{name}' must be one that it has")
    return text


def write_finder_rtl(
    finder: VertexFinder, out_dir: Path, settings: FirmwareSettings, programs: FinderPrograms | None = None
) -> FinderRtl:
    """Write a finder's Verilog.

    Files: ``vertex_finder.v`` (top), ``finder_lane.v``, ``feature_<name>.v`` a table, ``networks/`` and
    ``primitives/`` (the three networks; the primitives are alkaid's, LGPL-3.0-or-later), ``blocks/`` (`BLOCKS`),
    ``vertex_finder.xdc``, ``vivado.tcl``, ``ports.json``.

    Parameters
    ----------
    finder : VertexFinder
    out_dir : Path
        Made if it is not there; files of the same names are replaced.
    settings : FirmwareSettings
        Clock, margin and part are used; ``latency_budget_ns`` is of the vertex behind ``in_last``.
    programs : optional
        Adder graphs of the networks, traced with the settings' stage budget; None: they are traced here.

    Returns
    -------
    FinderRtl

    Raises
    ------
    UserError
        An operation cannot fit a stage, or the latency exceeds ``settings.latency_budget_ns``.
    """
    programs = programs or trace_finder(finder, stage_ns=stage_budget_ns(settings))
    timing = finder_timing(finder, settings, programs)
    _check_latency(finder, timing, settings)
    texts = {f"blocks/{name}.v": block_source(name) for name in BLOCKS}
    delays = list(block_delays_ns(finder, settings).values())
    for name, program in ((WEIGHT, programs.weight), (PATTERN, programs.pattern), (ASSOCIATION, programs.association)):
        network, delay = _network_texts(program, name, settings)
        texts.update(network)
        delays.append(delay)
    used = {port.name for program in (programs.weight, programs.association) for port in program.inputs}
    for feature in finder.features:
        if feature.table is not None and feature.name in used:
            texts[f"{table_module(feature)}.v"] = table_source(finder, feature)
    texts[f"{LANE}.v"] = lane_source(finder, programs, timing)
    texts[f"{TOP}.v"] = top_source(finder, programs, timing, settings.clock_period_ns)
    primitives = sorted(name for name in texts if name.startswith("primitives/"))
    sources = (*primitives, *(name for name in texts if not name.startswith("primitives/")))
    rtl = FinderRtl(
        top=TOP, latency_cycles=timing.latency_cycles, ii=timing.ii, association_latency=timing.association_latency,
        slots=timing.slots, blocks=dict(timing.blocks), stage_delay_ns=max(delays), sources=sources,
    )  # fmt: skip
    ports = {direction: list(_ports(finder, direction)) for direction in ("inputs", "outputs")}
    texts["ports.json"] = json.dumps(_port_table(finder, rtl, ports), indent=1) + "\n"
    names = {
        direction: [port["port"] + ("[*]" if port["width"] > 1 else "") for port in table]
        for direction, table in ports.items()
    }
    texts[f"{TOP}.xdc"] = port_constraints(TOP, settings, ["rst", *names["inputs"]], names["outputs"])
    texts["vivado.tcl"] = vivado_script(TOP, "vivado.tcl", settings, sources)
    for name, text in texts.items():
        (out_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (out_dir / name).write_text(text)
    return rtl


def _check_latency(finder: VertexFinder, timing: FinderTiming, settings: FirmwareSettings) -> None:
    latency_ns = timing.latency_cycles * settings.clock_period_ns
    if settings.latency_budget_ns is not None and latency_ns > settings.latency_budget_ns + 1e-9:
        raise UserError(
            f"latency of finder '{finder.name}' must be at most latency_budget_ns = {settings.latency_budget_ns:g}, "
            f"not {latency_ns:.1f} ns ({timing.latency_cycles} cycles of {settings.clock_period_ns:g} ns); use more "
            "bins_per_clock, smaller networks, fewer bits, or a larger budget"
        )


def _network_texts(program: Program, name: str, settings: FirmwareSettings) -> tuple[dict[str, str], float]:
    """Verilog files of a network as a module of that name, and its longest stage."""
    with TemporaryDirectory(prefix="trigger-finder-") as scratch:
        folder = Path(scratch)
        info = write_rtl(replace(program, name=name), folder, replace(settings, latency_budget_ns=None))
        texts = {
            source if source.startswith("primitives/") else f"networks/{source}": (folder / source).read_text()
            for source in info.sources
        }
    return texts, info.stage_delay_ns


def _ports(finder: VertexFinder, direction: str) -> Iterator[dict[str, Any]]:
    association, peak, z0 = finder.association_format, finder.pattern_format, finder.z0
    if direction == "inputs":
        yield _port("in_valid", 1, elements=finder.lanes)
        yield _port("in_track", finder.word_bits, elements=finder.lanes)
        yield _port("in_last", 1)
        yield _port("association_threshold", association.width, association.signed, association.fraction)
        return
    yield _port("vertex_valid", 1)
    yield _port("vertex_bin", finder.bins.bit_length() - 1)
    yield _port("vertex_z0", z0.width, z0.signed)
    yield _port("vertex_peak", peak.width, peak.signed, peak.fraction)
    yield _port("vertex_truncated", 1)
    yield _port("track_valid", 1, elements=finder.lanes)
    yield _port("track_association", association.width, association.signed, association.fraction, finder.lanes)
    yield _port("track_associated", 1, elements=finder.lanes)
    yield _port("track_last", 1)
    yield _port("error", 1)


def _port(name: str, width: int, signed: bool = False, fraction: int = 0, elements: int = 1) -> dict[str, Any]:
    return {
        "port": name, "width": width * elements, "element_width": width, "elements": elements, "signed": signed,
        "fraction": fraction,
    }  # fmt: skip


def _port_table(finder: VertexFinder, rtl: FinderRtl, ports: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "top": rtl.top, "finder": finder.name, "clock": "clk", "reset": "rst", "latency_cycles": rtl.latency_cycles,
        "ii": rtl.ii, "association_latency": rtl.association_latency, "slots": rtl.slots, "lanes": finder.lanes,
        "word_bits": finder.word_bits, "tracks_per_lane": finder.tracks_per_lane, "blocks": dict(rtl.blocks),
        "stage_delay_ns_estimate": round(rtl.stage_delay_ns, 4), "sources": list(rtl.sources), **ports,
    }  # fmt: skip
