"""Watches the device's outputs, knowing nothing of what should come."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import RisingEdge

from sim.bench.plan import Plan, Port, row_bytes
from sim.bench.record import Record

__all__ = ["Monitor"]


class Monitor:
    """Samples at every edge what registers behind the device would sample."""

    def __init__(self, dut: Any, plan: Plan, record: Record) -> None:
        self._plan, self._record = plan, record
        self._clock_edge = RisingEdge(dut.clk)
        self._valid = dut.out_valid
        self._ports = [(port, getattr(dut, port.name)) for port in plan.outputs]
        self._watched = [_find(dut, name) for name in plan.watch]
        self._seen_reset = False

    async def run(self) -> None:
        """Sample every edge of the plan."""
        for edge in range(self._plan.edges):
            await self._clock_edge
            self._sample(edge)

    def _sample(self, edge: int) -> None:
        # Up to the edge that samples the first reset nothing is promised.
        valid = str(self._valid.value) if self._seen_reset else "0"
        if valid == "1":
            self._record.valid_edges.append(edge)
            for port, handle in self._ports:
                self._record.words[port.name] += self._read(edge, port, handle)
        elif valid != "0":
            self._record.add_unknown(edge, "out_valid", valid)
        self._seen_reset = self._seen_reset or self._plan.rst[edge] == 1
        if self._watched:
            self._record.watched.append([str(handle.value) for handle in self._watched])

    def _read(self, edge: int, port: Port, handle: Any) -> bytes:
        text = str(handle.value)
        try:
            word = int(text, 2)
        except ValueError:
            self._record.add_unknown(edge, port.name, text)
            word = 0
        # A port wider than stated is reported by its width; its row must keep its length all the same.
        word &= (1 << port.bits) - 1
        return word.to_bytes(row_bytes(port.bits), "little")


def _find(dut: Any, name: str) -> Any:
    handle = dut
    for part in name.split("."):
        handle = getattr(handle, part)
    return handle
