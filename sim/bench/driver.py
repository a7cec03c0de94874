"""Puts the plan on the device's inputs."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import RisingEdge

from sim.bench.plan import Plan

__all__ = ["Driver"]


class Driver:
    """Writes each line of the plan just after the edge before it, so that its own edge samples it."""

    def __init__(self, dut: Any, plan: Plan) -> None:
        self._plan = plan
        self._clock_edge = RisingEdge(dut.clk)
        self._rst, self._valid = dut.rst, dut.in_valid
        self._ports = [(getattr(dut, port.name), plan.rows[port.name]) for port in plan.inputs]

    def put(self, edge: int) -> None:
        """Write the line that this edge will sample; a line that repeats the one before costs nothing."""
        plan = self._plan
        first = edge == 0
        if first or plan.rst[edge] != plan.rst[edge - 1]:
            self._rst.value = plan.rst[edge]
        if first or plan.valid[edge] != plan.valid[edge - 1]:
            self._valid.value = plan.valid[edge]
        row = plan.bus[edge]
        if first or row != plan.bus[edge - 1]:
            for port, rows in self._ports:
                port.value = rows[row]

    async def run(self) -> None:
        """Drive line after line; line 0 must be there before the clock starts."""
        for edge in range(1, self._plan.edges):
            await self._clock_edge
            self.put(edge)
