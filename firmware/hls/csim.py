"""hls4ml's C++ compiled and run on integers: from the project folder alone, on what is in it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.hls.bridge import bridge_source
from firmware.hls.library import compiled_library
from firmware.hls.ports import Interface, Port, read_interface

__all__ = ["CSimulation", "build"]

EventWords = Mapping[str, NDArray[np.int64]]


class CSimulation:
    """The C-simulation of a project.

    Parameters
    ----------
    interface : Interface
        Ports and layers.
    library : Path
        Shared library that `build` compiled.
    """

    def __init__(self, interface: Interface, library: Path) -> None:
        self.interface = interface
        self.library = library
        self._code = ctypes.CDLL(str(library), mode=os.RTLD_LOCAL | os.RTLD_NOW)
        self._output_fractions = self._check_ports()

    def predict(self, words: EventWords, *, threads: int | None = None) -> dict[str, NDArray[np.int64]]:
        """Output words of events.

        Parameters
        ----------
        words : dict of input name to int64 array of shape (events, *shape)
            Words in the inputs' formats.
        threads : int, optional
            Threads that share the events; default: the processors at hand. Streams run in one.

        Returns
        -------
        dict of output name to int64 array of shape (events, *shape), in the outputs' formats

        Raises
        ------
        UserError
            An input is missing, has another shape, or holds words outside its format.
        """
        events, inputs = self._inputs(words)
        outputs = self._empty_outputs(events)
        count = len(os.sched_getaffinity(0)) if threads is None else threads
        if self.interface.io_type == "io_stream":  # its line buffers are static objects
            count = 1
        count = max(1, min(count, events))
        self._code.csim_run(
            ctypes.c_size_t(events), ctypes.c_size_t(count), _pointers(inputs), _pointers(list(outputs.values()))
        )
        return self._words(outputs, events)

    def every_layer(self, words: EventWords) -> dict[str, NDArray[np.float64]]:
        """Values of every layer, in order: to name the first one that differs.

        Parameters
        ----------
        words : as for `predict`

        Returns
        -------
        dict of layer name to float64 array of shape (events, *shape)
            Real values, exact up to 53 bits.
        """
        events, inputs = self._inputs(words)
        outputs = self._empty_outputs(events)
        layers = self.interface.layers
        values = [np.zeros((events, *layer.shape), np.float64) for layer in layers]
        self._code.csim_trace(
            ctypes.c_size_t(events),
            _pointers(inputs),
            _pointers(list(outputs.values())),
            ctypes.c_size_t(len(layers)),
            (ctypes.c_char_p * len(layers))(*(layer.traced_as.encode() for layer in layers)),
            (ctypes.c_size_t * len(layers))(*(prod(layer.shape) for layer in layers)),
            _pointers(values),
        )
        return {layer.name: array for layer, array in zip(layers, values, strict=True)}

    def _check_ports(self) -> dict[str, int]:
        inputs, arguments = self.interface.inputs, self.interface.arguments
        table = (ctypes.c_int * (3 * (len(inputs) + len(arguments))))()
        self._code.csim_describe(table)
        found = [(table[i], table[i + 1], bool(table[i + 2])) for i in range(0, len(table), 3)]
        for port, (width, fraction, signed) in zip(inputs, found, strict=False):
            wanted = (port.format.width, port.format.fraction, port.format.signed)
            if (width, fraction, signed) != wanted:
                raise UserError(
                    f"type of input port '{port.argument}' must have {wanted[0]} bits, {wanted[1]} of them fraction, "
                    f"signed: {wanted[2]}, not {(width, fraction, signed)}; restore firmware/defines.h"
                )
        return {name: fraction for name, (_, fraction, _) in zip(arguments, found[len(inputs) :], strict=True)}

    def _inputs(self, words: EventWords) -> tuple[int, list[NDArray[np.int64]]]:
        names = [port.name for port in self.interface.inputs]
        if set(words) != set(names):
            raise UserError(f"inputs must be {', '.join(names)}, not {', '.join(words) or 'none'}")
        arrays = [_checked(port, np.asarray(words[port.name])) for port in self.interface.inputs]
        counts = {len(array) for array in arrays}
        if len(counts) != 1:
            raise UserError(f"inputs must hold the same number of events, not {sorted(counts)}")
        return counts.pop(), arrays

    def _empty_outputs(self, events: int) -> dict[str, NDArray[np.int64]]:
        sizes = {port.argument: prod(port.shape) for port in self.interface.outputs}
        return {argument: np.zeros((events, sizes[argument]), np.int64) for argument in self.interface.arguments}

    def _words(self, outputs: dict[str, NDArray[np.int64]], events: int) -> dict[str, NDArray[np.int64]]:
        result = {}
        for port in self.interface.outputs:
            words = outputs[port.argument]
            shift = port.format.fraction - self._output_fractions[port.argument]
            if shift >= 0:
                words = words << shift
            elif np.any(words & ((1 << -shift) - 1)):
                raise UserError(
                    f"values of output port '{port.argument}' must be multiples of 2**-{port.format.fraction}, and its "
                    "edited type holds others; restore firmware/defines.h"
                )
            else:
                words = words >> -shift
            result[port.name] = words.reshape(events, *port.shape)
        return result


def build(hls_dir: Path | str, build_dir: Path | str) -> CSimulation:
    """Compile a project's C-simulation, unless these very sources were compiled before.

    Parameters
    ----------
    hls_dir : path
        Folder that `write_hls` wrote; edits in it count.
    build_dir : path
        Where libraries are kept; several processes may share it.

    Raises
    ------
    UserError
        The folder is incomplete, g++ is missing, or it refuses the sources: with file, line and its message.
    """
    hls_dir, build_dir = Path(hls_dir), Path(build_dir)
    interface = read_interface(hls_dir)
    # -O1: what -O2 gains in 20,000 events it loses in compiling.
    library = compiled_library(hls_dir, bridge_source(interface), build_dir, optimise="-O1")
    return CSimulation(interface, library)


def _checked(port: Port, words: NDArray[np.integer]) -> NDArray[np.int64]:
    if words.shape[1:] != port.shape or words.ndim != len(port.shape) + 1:
        raise UserError(f"words of input '{port.name}' must have shape (events, *{port.shape}), not {words.shape}")
    if not np.issubdtype(words.dtype, np.integer):
        raise UserError(f"words of input '{port.name}' must be integers, not {words.dtype}")
    low, high = port.format.lowest, port.format.highest
    if words.size and (words.min() < low or words.max() > high):
        raise UserError(f"words of input '{port.name}' must be {low} to {high}, not {words.min()} to {words.max()}")
    return np.ascontiguousarray(words, dtype=np.int64)


def _pointers(arrays: list[NDArray[np.int64]] | list[NDArray[np.float64]]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
