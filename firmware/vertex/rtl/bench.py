"""Runs a Verilog module under the bench ``sim.bench.lines``: a value for every input at every edge, outputs noted."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.project.packing import row_bytes
from firmware.verify.simulate import compile_design, run_bench

__all__ = ["Note", "Noted", "run_lines"]

_MODULE = "sim.bench.lines"


@dataclass(frozen=True)
class Note:
    """Outputs that are sampled together.

    Parameters
    ----------
    when : str or None
        Output that must not be 0; None: at every edge.
    ports : tuple of str
    """

    when: str | None
    ports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Noted:
    """What was sampled.

    Parameters
    ----------
    edges : int64 array of shape (n,)
    rows : mapping of port to uint8 array of shape (n, row_bytes)
        Packed values, to be read with `firmware.project.packing.unpack`.
    """

    edges: NDArray[np.int64]
    rows: Mapping[str, NDArray[np.uint8]]


def run_lines(
    sources: Sequence[Path], top: str, drive: Mapping[str, NDArray[np.uint8]], widths: Mapping[str, int],
    notes: Sequence[Note], simulator: str, since: int | None = None,
) -> tuple[list[Noted], list[str]]:  # fmt: skip
    """Compile a module, or find it compiled, and run it.

    Parameters
    ----------
    sources : sequence of Path
    top : str
        With a clock ``clk``.
    drive : mapping of input to uint8 array of shape (edges, row_bytes)
        All inputs but the clock.
    widths : mapping of port to int
        Bits of every port, the clock left out.
    notes : sequence of Note
    simulator : str
    since : int, optional
        First edge at which outputs are sampled; None: that behind the first one with ``rst`` high.

    Returns
    -------
    list of Noted, list of str
        What was sampled, a note at a time; and what is wrong with the ports: other widths, X or Z.

    Raises
    ------
    UserError, ToolFailure
        As `firmware.verify.simulate.simulate`.
    """
    edges = len(next(iter(drive.values())))
    if since is None:
        since = int(np.flatnonzero(drive["rst"][:, 0])[0]) + 1
    folder = compile_design(sources, top, ["clk", *widths], simulator)
    with tempfile.TemporaryDirectory(prefix="trigger-bench-") as name:
        bench = Path(name)
        plan = {
            "edges": edges, "since": since,
            "inputs": [{"name": port, "bits": widths[port]} for port in drive],
            "notes": [
                {"when": note.when, "ports": [{"name": port, "bits": widths[port]} for port in note.ports]}
                for note in notes
            ],
        }  # fmt: skip
        (bench / "plan.json").write_text(json.dumps(plan))
        for port, rows in drive.items():
            assert rows.shape == (edges, row_bytes(widths[port]))
            (bench / f"{port}.in").write_bytes(rows.tobytes())
        run_bench(simulator, top, folder, bench, _MODULE)
        head = json.loads((bench / "record.json").read_text())
        noted = [_read(bench, number, note, widths) for number, note in enumerate(notes)]
    problems = [
        f"port '{port}' is {width} bits wide, and {widths[port]} are stated"
        for port, width in head["widths"].items()
        if width != widths[port]
    ]
    problems += [f"output '{port}' was {text} at clock edge {edge}" for edge, port, text in head["unknown"][:3]]
    return noted, problems


def _read(bench: Path, number: int, note: Note, widths: Mapping[str, int]) -> Noted:
    edges = np.fromfile(bench / f"note{number}.edges", np.int32).astype(np.int64)
    rows = {
        port: np.fromfile(bench / f"note{number}.{port}", np.uint8).reshape(len(edges), row_bytes(widths[port]))
        for port in note.ports
    }
    return Noted(edges, rows)
