"""The cost of one trained network, for searches over networks."""

from __future__ import annotations

from math import prod

from firmware.adder_graph.cost import cost_of
from firmware.adder_graph.trace import trace_network
from firmware.network.network import Network
from firmware.resources.estimate import lut_estimate
from firmware.rtl.pipeline import estimate_latency_cycles, stage_budget_ns
from firmware.settings import FirmwareSettings

__all__ = ["network_cost"]


def network_cost(network: Network, settings: FirmwareSettings, *, fast: bool) -> dict[str, float]:
    """What a trained network costs in hardware, by the estimate of its adder graph.

    Parameters
    ----------
    network : Network
    settings : FirmwareSettings
        Clock and margin decide the number of pipeline stages.
    fast : bool
        A quicker solution of the adder graph, its cost within a few per cent.

    Returns
    -------
    dict of str to float
        ``input_bits``; ``lut``: the calibrated estimate that a project states too; ``latency_cycles`` of the pipelined
        Verilog and ``latency_ns`` at the target clock; ``adders``.

    Raises
    ------
    UserError
        The clock is too fast for a single operation.
    """
    program = trace_network(network, fast=fast, stage_ns=stage_budget_ns(settings))
    cost = cost_of(program)
    cycles = estimate_latency_cycles(program, settings)
    return {
        "input_bits": sum(prod(port.shape) * port.format.width for port in network.inputs),
        "lut": lut_estimate(program),
        "latency_ns": round(cycles * settings.clock_period_ns, 6),
        "latency_cycles": cycles,
        "adders": cost.n_adders,
    }
