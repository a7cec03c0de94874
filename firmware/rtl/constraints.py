"""Constraint file and out-of-context script for Vivado."""

from __future__ import annotations

from collections.abc import Sequence
from string import Template

from firmware.settings import FirmwareSettings

__all__ = ["REPORT_FILES", "port_constraints", "vivado_script", "xdc"]

REPORT_FILES = {
    "utilisation": "reports/utilisation_routed.rpt",
    "timing": "reports/timing_routed.rpt",
    "utilisation_synthesis": "reports/utilisation_synthesis.rpt",
    "timing_synthesis": "reports/timing_synthesis.rpt",
}
_IO_FRACTION = 0.2

_XDC = Template("""\
# $top, out of context. The period is a target until Vivado reports that it is met.
create_clock -period $period -name clk [get_ports clk]
set_clock_uncertainty -setup $uncertainty [get_clocks clk]

# Ports are registered inside; neighbours are taken to need a fifth of the period. rst is synchronous and timed too.
set_input_delay  -clock clk -max $io [get_ports {$inputs}]
set_input_delay  -clock clk -min 0.0 [get_ports {$inputs}]
set_output_delay -clock clk -max $io [get_ports {$outputs}]
set_output_delay -clock clk -min 0.0 [get_ports {$outputs}]
""")

_TCL = Template("""\
# Out-of-context synthesis, placement and routing of $top.
# Run in this folder: vivado -mode batch -source $script
set here [file dirname [file normalize [info script]]]
file mkdir $$here/reports
create_project -in_memory -part $part
read_verilog [list $sources]
read_xdc -mode out_of_context $$here/$top.xdc
synth_design -top $top -part $part -mode out_of_context -flatten_hierarchy full
report_utilization -file $$here/$utilisation_synthesis
report_timing_summary -file $$here/$timing_synthesis
opt_design -directive ExploreWithRemap
place_design
phys_opt_design
route_design
report_utilization -file $$here/$utilisation
report_timing_summary -file $$here/$timing
""")


def xdc(top: str, settings: FirmwareSettings, inputs: Sequence[str], outputs: Sequence[str]) -> str:
    """Constraints: the clock, input and output delays. Nothing is declared a false path."""
    return port_constraints(
        top, settings, ["rst", "in_valid", *(f"{name}[*]" for name in inputs)],
        ["out_valid", *(f"{name}[*]" for name in outputs)],
    )  # fmt: skip


def port_constraints(top: str, settings: FirmwareSettings, inputs: Sequence[str], outputs: Sequence[str]) -> str:
    """The same for a design with these ports; one of several bits ends in ``[*]``."""
    period = settings.clock_period_ns
    return _XDC.substitute(
        top=top, period=f"{period:.3f}", uncertainty=f"{0.05 * period:.3f}", io=f"{_IO_FRACTION * period:.3f}",
        inputs=" ".join(inputs), outputs=" ".join(outputs),
    )  # fmt: skip


def vivado_script(top: str, script: str, settings: FirmwareSettings, sources: Sequence[str]) -> str:
    """Tcl that synthesises, places and routes, and writes reports under fixed names."""
    files = " ".join(f"$here/{source}" for source in sources)
    return _TCL.substitute(top=top, script=script, part=settings.part, sources=files, **REPORT_FILES)
