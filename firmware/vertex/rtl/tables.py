"""A feature's table as a Verilog module: a read-only memory with a registered address."""

from __future__ import annotations

from string import Template

from firmware.rtl.names import verilog_name
from firmware.vertex.finder import Feature, VertexFinder

__all__ = ["table_module", "table_source"]

_TEMPLATE = Template("""\
// $module: table of feature '$feature', $entries words of $width bits.
//
// Latency 1: the address is registered, the word follows it in the same clock (whatever reads it registers it).
// II = 1. Depth: one read of a memory of $entries words. No reset.

`timescale 1 ns / 1 ps
`default_nettype none

module $module (
    input  wire clk,
    input  wire [$address_high:0] address,
    output reg  [$word_high:0] word
);

    reg [$address_high:0] held;
    always @(posedge clk) held <= address;

    always @(*) begin
        case (held)
$cases
            default: word = $width'd0;
        endcase
    end

endmodule

`default_nettype wire
""")


def table_module(feature: Feature) -> str:
    """Name of a feature's module."""
    return f"feature_{verilog_name(feature.name)}"


def table_source(finder: VertexFinder, feature: Feature) -> str:
    """Verilog of a feature's table; the feature must have one."""
    assert feature.table is not None
    bits, width = finder.address_bits(feature), feature.format.width
    return _TEMPLATE.substitute(
        module=table_module(feature), feature=feature.name, entries=1 << bits, width=width, address_high=bits - 1,
        word_high=width - 1,
        cases="\n".join(
            f"            {bits}'d{address}: word = {width}'d{word};" for address, word in enumerate(feature.table)
        ),
    )  # fmt: skip
