"""Words through the adder graph: alkaid's compiled interpreter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph.pairs import as_pairs
from firmware.adder_graph.program import Program
from firmware.errors import UserError

__all__ = ["EventWords", "emulate"]

EventWords = Mapping[str, NDArray[np.int64]]
_BLOCK = 8192


def emulate(program: Program, words: EventWords, threads: int = 0) -> dict[str, NDArray[np.int64]]:
    """Output words for input words.

    Parameters
    ----------
    program : Program
    words : mapping of input name to int64 array of shape (events, *shape)
        Within the range of each input's format.
    threads : int
        Threads of the interpreter; 0: all.

    Returns
    -------
    dict of output name to int64 array of shape (events, *shape)

    Raises
    ------
    UserError
        An input is missing, unknown, of the wrong shape or type, or out of range.
    """
    flat = _flattened(program, words)
    events = len(flat)
    columns = np.zeros((events, program.comb.shape[1]), np.int64)
    if program.comb.shape[1] and events:
        columns = _exact(as_pairs(program.comb).predict(flat.astype(np.float64), n_threads=threads)).reshape(events, -1)
    return {
        port.name: _assembled(columns, port.sources, port.constants).reshape(events, *port.shape)
        for port in program.outputs
    }


def _flattened(program: Program, words: EventWords) -> NDArray[np.int64]:
    names = [port.name for port in program.inputs]
    if set(words) != set(names):
        raise UserError(f"input words of program '{program.name}' must be for {sorted(names)}, not {sorted(words)}")
    arrays = []
    for port in program.inputs:
        array = np.asarray(words[port.name])
        if array.dtype.kind not in "iu" or array.ndim == 0 or array.shape[1:] != port.shape:
            raise UserError(
                f"words of input '{port.name}' must be integers of shape (events, {', '.join(map(str, port.shape))}), "
                f"not {array.dtype} of shape {array.shape}"
            )
        low, high = port.format.lowest, port.format.highest
        if array.size and (int(array.min()) < low or int(array.max()) > high):
            raise UserError(
                f"words of input '{port.name}' must be {low} to {high}, not {array.min()} to {array.max()}; "
                "saturate them in front of the network"
            )
        arrays.append(array.reshape(len(array), port.size).astype(np.int64))
    if len({len(array) for array in arrays}) > 1:
        counts = {name: len(array) for name, array in zip(names, arrays, strict=True)}
        raise UserError(f"inputs of program '{program.name}' must have one number of events, not {counts}")
    return np.concatenate(arrays, axis=1)


def _exact(values: NDArray[np.float64]) -> NDArray[np.int64]:
    result = values.astype(np.int64)
    if not np.array_equal(result, values):
        raise ArithmeticError("the emulator's program gives values that are no words of its outputs")
    return result


def _assembled(columns: NDArray[np.int64], sources: tuple[int, ...], constants: tuple[int, ...]) -> NDArray[np.int64]:
    result = np.broadcast_to(np.array(constants, np.int64), (len(columns), len(constants))).copy()
    varying = [place for place, source in enumerate(sources) if source >= 0]
    result[:, varying] = columns[:, [sources[place] for place in varying]]
    return result
