"""A bench for any clocked module: every input has a value for every clock edge, some outputs are noted.

The folder named by ``TRIGGER_BENCH_DIR`` holds

``plan.json``
    ``{"edges", "since", "inputs": [port], "notes": [{"when": name or null, "ports": [port]}]}``, a port being
    ``{"name", "bits"}``.
``<input>.in``
    Rows of ``ceil(bits / 8)`` bytes, little-endian, one for each edge: what that edge samples.

and afterwards for each note, numbered from 0,

``note<n>.edges``
    Native int32: each edge that sampled ``when`` as not 0 (null: every edge).
``note<n>.<port>``
    The port at those edges, in rows as above.
``record.json``
    ``{"widths": {port: bits of the device}, "unknown": [[edge, port, text], ...]}``; written last.

Nothing is noted before edge ``since``; from then on no output may be X or Z where it is noted.
"""

from __future__ import annotations

import json
import os
from array import array
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer

from sim.bench.plan import BENCH_DIR, row_bytes

_PERIOD_STEPS = 10
_MOST_UNKNOWN = 1000


class _Input:
    """Writes a port's rows; one that repeats the row before costs nothing."""

    def __init__(self, dut: Any, folder: Path, name: str, bits: int) -> None:
        self._handle = getattr(dut, name)
        self._rows, self._step = (folder / f"{name}.in").read_bytes(), row_bytes(bits)
        self._before = b""

    def put(self, edge: int) -> None:
        row = self._rows[edge * self._step : (edge + 1) * self._step]
        if row != self._before:
            self._handle.value = int.from_bytes(row, "little")
            self._before = row


class _Note:
    """Samples ports at the edges at which another port is high."""

    def __init__(self, dut: Any, number: int, when: str | None, ports: list[dict[str, Any]]) -> None:
        self._number = number
        self._when = None if when is None else (when, getattr(dut, when))
        self._ports = [(port["name"], port["bits"], getattr(dut, port["name"])) for port in ports]
        self._edges = array("i")
        self._rows = {port["name"]: bytearray() for port in ports}
        self._unknown: list[tuple[int, str, str]] = []

    def sample(self, edge: int) -> None:
        if self._when is not None:
            name, handle = self._when
            if not self._number_of(edge, name, str(handle.value)):
                return
        self._edges.append(edge)
        for name, bits, handle in self._ports:
            word = self._number_of(edge, name, str(handle.value)) & ((1 << bits) - 1)
            self._rows[name] += word.to_bytes(row_bytes(bits), "little")

    def _number_of(self, edge: int, name: str, text: str) -> int:
        try:
            return int(text, 2)
        except ValueError:
            if len(self._unknown) < _MOST_UNKNOWN:
                self._unknown.append((edge, name, text))
            return 0

    def write(self, folder: Path) -> list[tuple[int, str, str]]:
        (folder / f"note{self._number}.edges").write_bytes(self._edges.tobytes())
        for name, rows in self._rows.items():
            (folder / f"note{self._number}.{name}").write_bytes(bytes(rows))
        return self._unknown


@cocotb.test()
async def lines(dut: Any) -> None:
    """Drive every line of the plan, note what it asks for; the caller judges."""
    folder = Path(os.environ[BENCH_DIR])
    plan = json.loads((folder / "plan.json").read_text())
    inputs = [_Input(dut, folder, port["name"], port["bits"]) for port in plan["inputs"]]
    notes = [_Note(dut, number, note["when"], note["ports"]) for number, note in enumerate(plan["notes"])]
    since = plan["since"]

    clock_edge = RisingEdge(dut.clk)
    for port in inputs:
        port.put(0)
    await Timer(1, unit="step")
    Clock(dut.clk, _PERIOD_STEPS, unit="step").start(start_high=False)
    for edge in range(plan["edges"]):
        await clock_edge
        if edge >= since:
            for note in notes:
                note.sample(edge)
        if edge + 1 < plan["edges"]:
            for port in inputs:
                port.put(edge + 1)

    unknown = [entry for note in notes for entry in note.write(folder)]
    ports = [*plan["inputs"], *(port for note in plan["notes"] for port in note["ports"])]
    widths = {port["name"]: len(getattr(dut, port["name"])) for port in ports}
    (folder / "record.json").write_text(json.dumps({"widths": widths, "unknown": unknown}))
