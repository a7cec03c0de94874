"""One of the finder's blocks under the bench: inputs as integers a clock, outputs as integers a clock."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from firmware.project.packing import pack, unpack
from firmware.vertex.rtl.bench import Note, run_lines
from firmware.vertex.rtl.write import block_source

FAST = "icarus" if shutil.which("iverilog") else "verilator"
"""Icarus compiles a block in no time; without it Verilator does the same."""


def replace_once(text: str, old: str, new: str) -> str:
    """An edit that must be possible."""
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the source"
    return text.replace(old, new)


def run_block(folder: Path, name, parameters, inputs, outputs, *, when=None, fault=None, since=None):
    """Outputs of a block, sampled at every edge, or where ``when`` is high.

    ``inputs`` maps a port to (values by edge, bits of an element); values of shape (edges,) or (edges, elements).
    ``outputs`` maps a port to (elements, bits of an element, signed). Returns (edges, {port: values}, problems).
    """
    text = block_source(name, parameters)
    path = folder / f"{name}.v"
    path.write_text(replace_once(text, *fault) if fault else text)
    drive, widths = {}, {}
    for port, (values, bits) in inputs.items():
        values = np.asarray(values, np.int64).reshape(len(values), -1)
        drive[port], widths[port] = pack(values, bits), values.shape[1] * bits
    widths |= {port: elements * bits for port, (elements, bits, _) in outputs.items()}
    (noted,), problems = run_lines([path], name, drive, widths, [Note(when, tuple(outputs))], FAST, since)
    values = {
        port: unpack(noted.rows[port], bits, signed, (elements,)) for port, (elements, bits, signed) in outputs.items()
    }
    return noted.edges, values, problems


def with_rst(edges: int, *more: int) -> np.ndarray:
    """``rst`` high at the first edge, and at those given."""
    rst = np.zeros(edges, np.int64)
    rst[[0, *more]] = 1
    return rst
