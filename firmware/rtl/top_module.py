"""The top level: ports, registers, and the valid bit, from one small template."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

from firmware.adder_graph import OutputPort, Port, Program
from firmware.network.fixed_point import FixedPoint
from firmware.rtl.names import distinct_names
from firmware.rtl.pipeline import Stage, op_width

__all__ = ["PortNames", "boundary_fields", "port_names", "top_source"]

_TEMPLATE = Template("""\
// $top: network '$network' as an adder graph, one event each clock (II = 1).
//
// latency_cycles = $latency: clock edges from the one that samples in_valid high to the one that samples out_valid
// high.
// Stages: $count. Longest estimated path of a stage: $delay ns. Clock period asked for: $period ns (a target).
//
// Every port is one packed vector a tensor: element 0 in the low bits, then C order. A word is an integer; its value is
// word * 2**-fraction.
$ports
//
// rst is synchronous and clears the valid bits only: data without a valid bit has no meaning.

`timescale 1 ns / 1 ps
`default_nettype none

module $top (
    input  wire clk,
    input  wire rst,
    input  wire in_valid,
$inputs
    output wire out_valid,
$outputs
);

    reg [$last:0] valid;

    always @(posedge clk) begin
        if (rst) valid <= $latency'd0;
        else     valid <= {valid[$before:0], in_valid};
    end

    assign out_valid = valid[$last];

$body
endmodule

`default_nettype wire
""")


@dataclass(frozen=True)
class PortNames:
    """Verilog names of the ports, in the program's order."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """Where a value lies in a stage register."""

    value: int
    """Operation of the program's graph."""
    offset: int
    width: int


def port_names(program: Program) -> PortNames:
    """Names of the ports: those of the tensors, made legal; an output that is also an input gets ``_out``."""
    inputs = distinct_names([port.name for port in program.inputs])
    outputs = distinct_names([port.name for port in program.outputs], "_out", inputs)
    return PortNames(tuple(inputs), tuple(outputs))


def boundary_fields(program: Program, stages: tuple[Stage, ...]) -> list[list[Field]]:
    """Layout of each stage register: in front of each stage, and behind the last."""
    layouts = []
    for values in [stages[0].inputs, *(stage.outputs for stage in stages)]:
        offset, fields = 0, []
        for value in values:
            width = op_width(program.comb.ops[value])
            fields.append(Field(value, offset, width))
            offset += width
        layouts.append(fields)
    return layouts


def top_source(program: Program, stages: tuple[Stage, ...], top: str, clock_period_ns: float) -> str:
    """Verilog of the top level."""
    names = port_names(program)
    layouts = boundary_fields(program, stages)
    ports = [_port_comment("input", n, p) for n, p in zip(names.inputs, program.inputs, strict=True)]
    ports += [_port_comment("output", n, p) for n, p in zip(names.outputs, program.outputs, strict=True)]
    outputs = [
        f"    output wire [{port.size * port.format.width - 1}:0] {name}"
        for name, port in zip(names.outputs, program.outputs, strict=True)
    ]
    return _TEMPLATE.substitute(
        top=top, network=program.name, latency=len(stages) + 1, count=len(stages), last=len(stages),
        before=len(stages) - 1, delay=f"{max(stage.delay_ns for stage in stages):.3f}", period=clock_period_ns,
        ports="\n".join(ports), inputs="\n".join(_input_lines(program, names)), outputs=",\n".join(outputs),
        body="\n".join(_body(program, stages, top, names, layouts)),
    )  # fmt: skip


def _format_text(fmt: FixedPoint) -> str:
    kind = "signed" if fmt.signed else "unsigned"
    return f"{kind}, {fmt.width} bits, fraction {fmt.fraction}"


def _port_comment(direction: str, name: str, port: Port) -> str:
    return f"//   {direction:6} {name}: shape {port.shape}, each element {_format_text(port.format)}"


def _input_lines(program: Program, names: PortNames) -> list[str]:
    lines = [
        f"    input  wire [{port.size * port.format.width - 1}:0] {name},"
        for name, port in zip(names.inputs, program.inputs, strict=True)
    ]
    used = sum(op.opcode == -1 for op in program.comb.ops)
    if used == sum(port.size for port in program.inputs):
        return lines
    return [
        "    // Elements that no output depends on are not connected.",
        "    // verilator lint_off UNUSEDSIGNAL",
        *lines,
        "    // verilator lint_on UNUSEDSIGNAL",
    ]


def _body(
    program: Program, stages: tuple[Stage, ...], top: str, names: PortNames, layouts: list[list[Field]]
) -> list[str]:
    widths = [sum(field.width for field in fields) for fields in layouts]
    lines: list[str] = []
    if widths[0]:
        lines += _input_register(program, names, layouts[0], widths[0])
    for k, stage in enumerate(stages):
        if not widths[k + 1]:
            continue
        lines += [
            f"    wire [{widths[k + 1] - 1}:0] stage{k}_d;",
            f"    reg  [{widths[k + 1] - 1}:0] stage{k + 1}_q;",
            f"    // Estimated: {stage.delay_ns:.3f} ns.",
            f"    {top}_stage{k} stage{k} (.model_inp(stage{k}_q), .model_out(stage{k}_d));",
            f"    always @(posedge clk) stage{k + 1}_q <= stage{k}_d;",
            "",
        ]
    for name, port in zip(names.outputs, program.outputs, strict=True):
        lines += _output_assign(program, len(stages), name, port, layouts[-1])
    return lines


def _input_register(program: Program, names: PortNames, fields: list[Field], width: int) -> list[str]:
    where = [
        (name, element * port.format.width, port.format.width)
        for name, port in zip(names.inputs, program.inputs, strict=True)
        for element in range(port.size)
    ]
    parts = []
    for field in fields:
        name, low, element_width = where[program.comb.ops[field.value].data[0]]
        assert element_width == field.width
        parts.append(f"{name}[{low + element_width - 1}:{low}]")
    return [
        f"    reg [{width - 1}:0] stage0_q;",
        "    always @(posedge clk) stage0_q <= {",
        ",\n".join(f"        {part}" for part in reversed(parts)),
        "    };",
        "",
    ]


def _output_assign(program: Program, last: int, name: str, port: OutputPort, fields: list[Field]) -> list[str]:
    place = {field.value: field for field in fields}
    width = port.format.width
    parts = []
    for source, constant in zip(port.sources, port.constants, strict=True):
        if source < 0:
            parts.append(f"{width}'d{constant % (1 << width)}")
        else:
            field = place[int(program.comb.out_idxs[source])]
            parts.append(_word(program, source, field, f"stage{last}_q", width))
    return [f"    assign {name} = {{", ",\n".join(f"        {part}" for part in reversed(parts)), "    };", ""]


def _word(program: Program, source: int, field: Field, register: str, width: int) -> str:
    """An output's bits in the port's format: zeros below, the sign above."""
    signed, _, fraction = program.comb.ops[field.value].qint.kif
    zeros = int(program.comb.out_shifts[source]) - fraction
    first = field.offset + max(-zeros, 0)
    zeros = min(max(zeros, 0), width)
    count = min(field.offset + field.width - first, width - zeros)
    parts = [f"{register}[{first + count - 1}:{first}]"] if count > 0 else []
    above = width - zeros - max(count, 0)
    if above:
        top_bit = f"{register}[{field.offset + field.width - 1}]"
        parts.insert(0, f"{{{above}{{{top_bit}}}}}" if signed else f"{above}'d0")
    if zeros:
        parts.append(f"{zeros}'d0")
    return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"
