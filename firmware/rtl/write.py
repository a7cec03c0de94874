"""Verilog of a program, with all that simulating and synthesising it needs."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from alkaid.codegen.rtl.verilog.comb import comb_logic_gen

from firmware.adder_graph import Port, Program
from firmware.adder_graph.program import comb_to_json, write_gzip
from firmware.errors import UserError
from firmware.rtl.constraints import vivado_script, xdc
from firmware.rtl.names import verilog_name
from firmware.rtl.pipeline import Stage, register_bits, split, stage_budget_ns
from firmware.rtl.top_module import boundary_fields, port_names, top_source
from firmware.settings import FirmwareSettings

__all__ = ["RtlInfo", "write_rtl"]

_PRIMITIVES = {
    -2: "negative", 0: "shift_adder", 1: "shift_adder", 4: "shift_adder", 6: "mux", 7: "multiplier", 10: "binop",
    11: "ternary_adder",
}  # fmt: skip


@dataclass(frozen=True)
class RtlInfo:
    """What was written.

    Parameters
    ----------
    top : str
        Name of the top module.
    latency_cycles : int
        Clock edges from the one that samples ``in_valid`` high to the one that samples ``out_valid`` high.
    ii : int
        Clocks between events: 1.
    register_bits : int
        Flip-flops, the valid bits included.
    stage_delay_ns : float
        Longest path of a stage by alkaid's estimate; no tool has closed it.
    sources : tuple of str
        Verilog files, relative to the folder, in order of compilation.
    stages : tuple of Stage
    """

    top: str
    latency_cycles: int
    ii: int
    register_bits: int
    stage_delay_ns: float
    sources: tuple[str, ...]
    stages: tuple[Stage, ...]


def write_rtl(program: Program, out_dir: Path, settings: FirmwareSettings) -> RtlInfo:
    """Write the pipelined Verilog of a program.

    Files: ``<top>.v``, one ``<top>_stage<k>.v`` a stage, alkaid's primitives in ``primitives/`` (their licence is
    LGPL-3.0-or-later), ``<top>.xdc``, ``vivado.tcl``, ``ports.json``, ``stages.json.gz`` (each stage's graph, the
    layout of the registers and the layer of every value), ``<top>_public.vlt`` and ``<top>_debug.vlt`` (Verilator
    configurations that open the ports, or the ports and all stage registers, to a test bench).

    Parameters
    ----------
    program : Program
    out_dir : Path
        Made if it is not there; files of the same names are replaced.
    settings : FirmwareSettings
        Clock, margin and part are used.

    Returns
    -------
    RtlInfo

    Raises
    ------
    UserError
        An operation cannot fit a stage, or the latency exceeds ``settings.latency_budget_ns``.
    """
    stages = split(program, stage_budget_ns(settings))
    latency = len(stages) + 1
    _check_latency(program, latency, settings)
    top = verilog_name(program.name)
    names = port_names(program)
    texts = {f"{top}.v": top_source(program, stages, top, settings.clock_period_ns)}
    for k, stage in enumerate(stages):
        if stage.outputs:
            texts[f"{top}_stage{k}.v"] = _stage_source(program, stage, f"{top}_stage{k}")
    used = {_PRIMITIVES[op.opcode] for stage in stages for op in stage.comb.ops if op.opcode in _PRIMITIVES}
    primitives = [f"primitives/{name}.v" for name in sorted(used)]
    sources = (*primitives, *sorted(texts, key=lambda name: (name == f"{top}.v", _number(name))))
    info = RtlInfo(
        top=top, latency_cycles=latency, ii=1, register_bits=register_bits(program, stages) + latency,
        stage_delay_ns=max(stage.delay_ns for stage in stages), sources=sources, stages=stages,
    )  # fmt: skip
    texts[f"{top}.xdc"] = xdc(top, settings, names.inputs, names.outputs)
    texts["vivado.tcl"] = vivado_script(top, "vivado.tcl", settings, sources)
    texts["ports.json"] = json.dumps(_port_table(program, info), indent=1) + "\n"
    ports = ["clk", "rst", "in_valid", "out_valid", *names.inputs, *names.outputs]
    layouts = boundary_fields(program, stages)
    registers = [f"stage{k}_q" for k, fields in enumerate(layouts) if fields]
    texts[f"{top}_public.vlt"] = _public(top, ports)
    texts[f"{top}_debug.vlt"] = _public(top, [*ports, "valid", *registers])
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out_dir / name).write_text(text)
    _copy_primitives(out_dir, used)
    write_gzip(out_dir / "stages.json.gz", _stage_table(program, stages))
    return info


def _check_latency(program: Program, cycles: int, settings: FirmwareSettings) -> None:
    latency_ns = cycles * settings.clock_period_ns
    if settings.latency_budget_ns is not None and latency_ns > settings.latency_budget_ns + 1e-9:
        raise UserError(
            f"latency of '{program.name}' must be at most latency_budget_ns = {settings.latency_budget_ns:g}, not "
            f"{latency_ns:.1f} ns ({cycles} cycles of {settings.clock_period_ns:g} ns); use a smaller network, fewer "
            "bits, or a larger budget"
        )


def _number(name: str) -> int:
    stem = Path(name).stem.rpartition("_stage")[2]
    return int(stem) if stem.isdigit() else -1


def _stage_source(program: Program, stage: Stage, name: str) -> str:
    own = {i for i, placed in enumerate(program.layer_of_op) if placed}
    layers = dict.fromkeys(program.layer_of_op[i] for i in stage.outputs if i in own and i not in set(stage.inputs))
    text = comb_logic_gen(stage.comb, name, timescale="`timescale 1 ns / 1 ps")
    return f"// {name}: makes values of {', '.join(layers) or 'no layer (they only pass)'}.\n{text}"


def _copy_primitives(out_dir: Path, names: set[str]) -> None:
    folder = out_dir / "primitives"
    folder.mkdir(exist_ok=True)
    for name in names:
        source = files("alkaid") / "codegen" / "rtl" / "verilog" / "source" / f"{name}.v"
        with source.open("rb") as file, open(folder / f"{name}.v", "wb") as copy:
            shutil.copyfileobj(file, copy)


def _public(top: str, names: list[str]) -> str:
    lines = [f'public_flat_rw -module "{top}" -var "{name}"' for name in names]
    return "\n".join(["`verilator_config", *lines, ""])


def _port_table(program: Program, info: RtlInfo) -> dict[str, Any]:
    names = port_names(program)
    return {
        "top": info.top, "network": program.name, "clock": "clk", "reset": "rst", "in_valid": "in_valid",
        "out_valid": "out_valid", "latency_cycles": info.latency_cycles, "ii": info.ii, "stages": len(info.stages),
        "register_bits": info.register_bits, "stage_delay_ns_estimate": round(info.stage_delay_ns, 4),
        "sources": list(info.sources),
        "inputs": [_port_entry(n, port) for n, port in zip(names.inputs, program.inputs, strict=True)],
        "outputs": [_port_entry(n, port) for n, port in zip(names.outputs, program.outputs, strict=True)],
    }  # fmt: skip


def _port_entry(name: str, port: Port) -> dict[str, Any]:
    return {
        "name": port.name, "port": name, "shape": list(port.shape), "elements": port.size,
        "element_width": port.format.width, "width": port.size * port.format.width, "signed": port.format.signed,
        "fraction": port.format.fraction, "format": asdict(port.format),
    }  # fmt: skip


def _stage_table(program: Program, stages: tuple[Stage, ...]) -> dict[str, Any]:
    layouts = boundary_fields(program, stages)
    return {
        "registers": [
            {
                "register": f"stage{k}_q",
                "fields": [
                    {
                        "op": field.value, "offset": field.offset, "width": field.width,
                        "signed": bool(program.comb.ops[field.value].qint.kif.signed),
                        "layer": program.layer_of_op[field.value],
                    }
                    for field in fields
                ],
            }
            for k, fields in enumerate(layouts)
        ],
        "stages": [{"comb": comb_to_json(stage.comb), "delay_ns": stage.delay_ns} for stage in stages],
    }  # fmt: skip
