"""Which layer's registers go wrong first: one failing event simulated again, with every pipeline register in view."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from firmware.adder_graph import Program, operation_words
from firmware.project.packing import pack
from firmware.verify.rtl_design import RtlDesign
from firmware.verify.simulate import Drive, simulate
from firmware.verify.stimulus import Stimulus
from firmware.verify.toolchain import ToolFailure

__all__ = ["first_register_that_differs"]

_LEAD = 4
_STAGES = "stages.json.gz"


def first_register_that_differs(
    design: RtlDesign, program: Program, stimulus: Stimulus, event: int, rtl_dir: Path, simulator: str
) -> str | None:
    """Compare every pipeline register with the emulator's own value of the operation that it holds.

    Parameters
    ----------
    design : RtlDesign
    program : Program
        Its operations carry their layer's name.
    stimulus : Stimulus
    event : int
        One that fails; another one lies on the inputs before and after it.
    rtl_dir : Path
        Folder with the stages' table.
    simulator : str

    Returns
    -------
    str or None
        ``"<layer> (register <name>)"``; ``"output ports"`` if all registers are right; None if it cannot be looked
        for, because the registers are not as the table says.
    """
    try:
        registers = json.loads(gzip.decompress((rtl_dir / _STAGES).read_bytes()))["registers"]
        registers = [register for register in registers if register["fields"]]
        captured = simulate(
            design.design, _one_event(design, stimulus, event, len(registers)), simulator,
            watch=[register["register"] for register in registers],
        )  # fmt: skip
        values = operation_words(program, stimulus.take(np.array([event])))
        for place, register in enumerate(registers):
            number = int(register["register"].removeprefix("stage").removesuffix("_q"))
            text = captured.watched[_LEAD + 1 + number][place]
            layer = _first_layer(register, text, values)
            if layer is not None:
                return f"{layer} (register {register['register']})"
    except (ToolFailure, OSError, ValueError, KeyError, IndexError, TypeError):
        # The Verilog or its table was edited out of recognition: the mismatch stands, its place stays unknown.
        return None
    return "output ports"


def _one_event(design: RtlDesign, stimulus: Stimulus, event: int, registers: int) -> Drive:
    edges = _LEAD + registers + 4
    other = (event + 1) % stimulus.events
    rows = stimulus.take(np.array([other, event]))
    bus = np.zeros(edges, np.int32)
    bus[_LEAD] = 1
    valid, rst = np.arange(edges) == _LEAD, np.arange(edges) < 2
    return Drive(valid, rst, bus, {port.rtl_name: pack(rows[port.name], port.width) for port in design.inputs})


def _first_layer(register: dict[str, Any], text: str, values: list[int]) -> str | None:
    """Layer of the first field whose bits are not those of its operation's value."""
    bits = text[::-1]
    for field in register["fields"]:
        low, width = field["offset"], field["width"]
        wanted = values[field["op"]] & ((1 << width) - 1)
        if bits[low : low + width] != format(wanted, f"0{width}b")[::-1]:
            return str(field["layer"])
    return None
