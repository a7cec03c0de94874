"""Integer vectors as the decimal text that hls4ml's test bench reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.hls.ports import Port, read_interface

__all__ = ["write_test_vectors"]

EventWords = Mapping[str, NDArray[np.int64]]


def write_test_vectors(hls_dir: Path | str, inputs: EventWords, outputs: EventWords) -> None:
    """Write ``tb_data/`` of a project: one line an event, every value exact.

    Parameters
    ----------
    hls_dir : path
        Folder that `write_hls` wrote.
    inputs, outputs : dict of port name to int64 array of shape (events, *shape)
        Words in the ports' formats.

    Raises
    ------
    UserError
        A port is missing, or its words have the wrong shape.
    """
    folder = Path(hls_dir)
    interface = read_interface(folder)
    # The test bench knows arguments: a tensor and its reshape are one of them.
    by_argument = {port.argument: port for port in interface.outputs}
    ordered = [by_argument[argument] for argument in interface.arguments]
    (folder / "tb_data").mkdir(exist_ok=True)
    _write(folder / "tb_data" / "tb_input_features.dat", interface.inputs, inputs)
    _write(folder / "tb_data" / "tb_output_predictions.dat", tuple(ordered), outputs)


def _write(path: Path, ports: tuple[Port, ...], words: EventWords) -> None:
    columns = []
    for port in ports:
        if port.name not in words or np.shape(words[port.name])[1:] != port.shape:
            found = np.shape(words[port.name]) if port.name in words else "nothing"
            raise UserError(f"words of '{port.name}' must have shape (events, *{port.shape}), not {found}")
        array = np.asarray(words[port.name]).reshape(len(words[port.name]), -1)
        texts = {word: _decimal(word, port.format.fraction) for word in map(int, np.unique(array))}
        columns.append([" ".join(texts[word] for word in event) for event in array.tolist()])
    if len({len(column) for column in columns}) != 1:
        raise UserError("ports must hold the same number of events")
    aside = path.with_name(f".{path.name}.new")
    aside.write_text("".join(" ".join(event) + "\n" for event in zip(*columns, strict=True)))
    os.replace(aside, path)


def _decimal(word: int, fraction: int) -> str:
    """``word * 2**-fraction`` in full: a binary fraction has as many decimals as bits."""
    if fraction <= 0:
        return str(word << -fraction)
    scaled = abs(word) * 5**fraction
    digits = str(scaled).rjust(fraction + 1, "0")
    text = f"{digits[:-fraction]}.{digits[-fraction:]}".rstrip("0").rstrip(".")
    assert Fraction(text) == Fraction(abs(word), 1 << fraction)
    return f"-{text}" if word < 0 else text
