"""The bench's one test: run the whole plan, write the record."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import Timer

from sim.bench.driver import Driver
from sim.bench.monitor import Monitor
from sim.bench.plan import Plan
from sim.bench.record import Record

_PERIOD_STEPS = 10


@cocotb.test()
async def stream(dut: Any) -> None:
    """Drive every line of the plan and note every valid output; the caller judges."""
    plan = Plan.read()
    record = Record(plan.outputs)
    driver, monitor = Driver(dut, plan), Monitor(dut, plan, record)

    driver.put(0)
    await Timer(1, unit="step")
    watching = cocotb.start_soon(monitor.run())
    cocotb.start_soon(driver.run())
    Clock(dut.clk, _PERIOD_STEPS, unit="step").start(start_high=False)
    await watching

    widths = {port.name: len(getattr(dut, port.name)) for port in (*plan.inputs, *plan.outputs)}
    record.write(plan.folder, plan.edges, widths)
