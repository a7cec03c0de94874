"""Every operation of the emulator's program for one event, by the slow interpreter, which keeps all values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph.program import Program

__all__ = ["operation_words"]


def operation_words(program: Program, words: Mapping[str, NDArray[np.int64]]) -> list[int]:
    """The integer that each operation's bits hold in the hardware, in its own last bit.

    Parameters
    ----------
    program : Program
    words : mapping of input name to int64 array of shape (1, *shape)
        One event. (The compiled interpreter reuses its memory, and can show the outputs alone.)

    Returns
    -------
    list of int
        One an operation, in the program's order.
    """
    flat = np.concatenate([words[port.name].reshape(-1) for port in program.inputs]).astype(np.float64)
    values = program.comb(flat, quantize=False, dump=True)
    return [
        int(float(value) * 2.0**op.qint.kif.fractional) for value, op in zip(values, program.comb.ops, strict=True)
    ]
