"""One lane of the finder: features, weight network, histogram, track buffer, association network."""

from __future__ import annotations

from string import Template

from firmware.adder_graph import Program
from firmware.rtl.top_module import port_names
from firmware.vertex.finder import DISTANCE, VALID, Z0, Feature, VertexFinder
from firmware.vertex.programs import FinderPrograms
from firmware.vertex.rtl.tables import table_module
from firmware.vertex.rtl.timing import FinderTiming

__all__ = ["LANE", "lane_source"]

LANE = "finder_lane"

_TEMPLATE = Template("""\
// $lane: one lane of the vertex finder '$finder'.
//
// in_valid, in_track   a track word; last (of all lanes, one clock behind in_last) ends the event
// dropped              one clock behind last: a track was one too many
// row_*                the lane's histogram of an event that has ended, $words bins a clock
// read_*               the replay: tracks of a slot, to be compared with the vertex at read_z0 (one clock behind)
// track_*              their association words, at $association_latency clocks from the vertex
//
// Latency: a track's weight is in the histogram $histogram clocks after it came; II = 1.
// stop keeps track_valid low. rst is synchronous.

`timescale 1 ns / 1 ps
`default_nettype none

module $lane (
    input  wire clk,
    input  wire rst,
    input  wire stop,
    input  wire in_valid,
    // verilator lint_off UNUSEDSIGNAL
    input  wire [$track_high:0] in_track,  // Not every field is used.
    // verilator lint_on UNUSEDSIGNAL
    input  wire last,
    input  wire [$slot_high:0] write_slot,
    input  wire histogram_last,
    output reg  dropped,
    output wire row_valid,
    output wire row_first,
    output wire row_last,
    output wire [$row_high:0] row,
    input  wire read_enable,
    input  wire [$slot_high:0] read_slot,
    input  wire [$index_high:0] read_index,
    input  wire [$z0_high:0] read_z0,
    input  wire ${sign}[$association_high:0] threshold,
    output reg  track_valid,
    output reg  ${sign}[$association_high:0] track_association,
    output reg  track_associated
);

    /*verilator no_inline_module*/  // All lanes share the simulation's code.

    // Edge 0: the word is registered.
    reg valid;
$field_registers
    always @(posedge clk) begin
        valid <= in_valid & in_track[$valid_bit] & ~rst;
$field_loads
    end

    wire accept;
    wire drop;
    wire [$index_high:0] index;
    wire [$index_high:0] total;
    track_counter #(.TRACKS($tracks)) counter (
        .clk(clk), .rst(rst), .in_valid(valid), .in_last(last),
        .accept(accept), .drop(drop), .index(index), .total(total)
    );

    // Edge 1: the features' addresses are registered, each in its table.
    reg kept;
    reg [$slot_high:0] kept_slot;
    reg [$index_high:0] kept_index;
    reg [$z0_high:0] kept_z0;
    always @(posedge clk) begin
        kept       <= accept & ~rst;
        dropped    <= drop & ~rst;
        kept_slot  <= write_slot;
        kept_index <= index;
        kept_z0    <= field_z0;
    end
$features
    // Edge 2: the features enter the weight network and the track buffer.
    wire weight_valid;
    wire [$weight_high:0] weight_word;
    weight weight_network (
        .clk(clk), .rst(rst), .in_valid(kept),
$weight_ports
        .out_valid(weight_valid), .$weight_output(weight_word)
    );

    wire [$bin_high:0] bin;
    delay #(.WIDTH($bin_bits), .CYCLES($weight_latency)) bin_delay (
        .clk(clk), .in(kept_z0[$z0_high:$bin_shift]), .out(bin)
    );
    histogram_lane #(
        .BINS($bins), .BINS_PER_CLOCK($words), .WIDTH($histogram_bits), .WEIGHT_WIDTH($weight_bits)
    ) histogram (
        .clk(clk), .rst(rst), .in_valid(weight_valid), .in_bin({~bin[$bin_high], bin[$bin_low_high:0]}),
        .in_weight(weight_word), .in_last(histogram_last),
        .out_valid(row_valid), .out_first(row_first), .out_last(row_last), .out_row(row)
    );

    wire stored_valid;
    wire [$stored_high:0] stored;
    track_buffer #(.SLOTS($slots), .TRACKS($tracks), .WIDTH($stored_bits)) store (
        .clk(clk), .rst(rst),
        .write_enable(kept), .write_slot(kept_slot), .write_index(kept_index), .write_data({$stored_parts}),
        .close(last), .close_slot(write_slot), .close_count(total),
        .read_enable(read_enable), .read_slot(read_slot), .read_index(read_index),
        .out_valid(stored_valid), .out_data(stored)
    );

    // The distance takes one clock; the features wait for it.
    reg compared;
$stored_registers
    always @(posedge clk) begin
        compared <= stored_valid & ~rst;
$stored_loads
    end
    wire [$distance_high:0] dz;
    distance #(.Z0_WIDTH($z0_bits), .SHIFT($distance_shift), .WIDTH($distance_bits)) track_distance (
        .clk(clk), .z0(stored[$z0_high:0]), .vertex(read_z0), .out(dz)
    );

    wire association_valid;
    wire ${sign}[$association_high:0] association_word;
    association association_network (
        .clk(clk), .rst(rst), .in_valid(compared),
$association_ports
        .out_valid(association_valid), .$association_output(association_word)
    );
    always @(posedge clk) begin
        track_valid       <= association_valid & ~rst & ~stop;
        track_association <= association_valid ? association_word : $association_bits'd0;
        track_associated  <= association_valid & (association_word >= threshold);
    end

endmodule

`default_nettype wire
""")


def lane_source(finder: VertexFinder, programs: FinderPrograms, timing: FinderTiming) -> str:
    """Verilog of the lane."""
    names = {name: _wire(name, i) for i, name in enumerate(_used(programs))}
    features = {name: finder.feature(name) for name in names}
    fields = list(dict.fromkeys(feature.field for feature in features.values()))
    field_names = {name: "field_z0" if name == Z0 else f"field{i}" for i, name in enumerate(fields)}
    stored = [name for name in names if any(port.name == name for port in programs.association.inputs)]
    loads = [(Z0, "field_z0"), *((name, wire) for name, wire in field_names.items() if name != Z0)]
    lowest, places = finder.z0.width, {}
    for name in stored:
        places[name] = (lowest, lowest + features[name].format.width - 1)
        lowest += features[name].format.width
    weight, association = finder.weight_format.width, finder.association_format
    index_bits = finder.tracks_per_lane.bit_length()
    return _TEMPLATE.substitute(
        lane=LANE, finder=finder.name, words=finder.bins_per_clock, association_latency=timing.association_latency,
        histogram=timing.blocks["input"] + timing.blocks["weight"] + 1, track_high=finder.word_bits - 1,
        slot_high=(timing.slots - 1).bit_length() - 1, row_high=finder.bins_per_clock * finder.histogram.width - 1,
        index_high=index_bits - 1, z0_high=finder.z0.width - 1, z0_bits=finder.z0.width,
        sign="signed " if association.signed else "", association_high=association.width - 1,
        association_bits=association.width,
        valid_bit=finder.fields[VALID].offset, tracks=finder.tracks_per_lane, slots=timing.slots,
        field_registers="\n".join(f"    reg [{finder.fields[f].width - 1}:0] {wire};" for f, wire in loads),
        field_loads="\n".join(
            f"        {wire} <= in_track[{finder.fields[f].offset} +: {finder.fields[f].width}];" for f, wire in loads
        ),
        features="".join(_feature(finder, features[n], field_names[features[n].field], names[n]) for n in names),
        weight_high=weight - 1, weight_bits=weight, weight_latency=timing.blocks["weight"],
        weight_ports=_connections(programs.weight, names), weight_output=_output(programs.weight),
        bin_high=finder.bins.bit_length() - 2, bin_low_high=finder.bins.bit_length() - 3,
        bin_bits=finder.bins.bit_length() - 1, bin_shift=finder.bin_shift, bins=finder.bins,
        histogram_bits=finder.histogram.width, stored_high=lowest - 1, stored_bits=lowest,
        stored_parts=", ".join([*(names[name] for name in reversed(stored)), "kept_z0"]),
        stored_registers="\n".join(f"    reg [{high - low}:0] stored_{names[n]};" for n, (low, high) in places.items()),
        stored_loads="\n".join(
            f"        stored_{names[n]} <= stored[{high}:{low}];" for n, (low, high) in places.items()
        ),
        distance_high=finder.distance_format.width - 1, distance_bits=finder.distance_format.width,
        distance_shift=finder.distance_shift, association_output=_output(programs.association),
        association_ports=_connections(
            programs.association, {**{name: f"stored_{wire}" for name, wire in names.items()}, DISTANCE: "dz"}
        ),
    )  # fmt: skip


def _used(programs: FinderPrograms) -> list[str]:
    """Features that a network reads, in the order of the networks' inputs."""
    ports = [*programs.weight.inputs, *programs.association.inputs]
    return [name for name in dict.fromkeys(port.name for port in ports) if name != DISTANCE]


def _wire(name: str, number: int) -> str:
    clean = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
    return f"word{number}_{clean}"


def _feature(finder: VertexFinder, feature: Feature, field_wire: str, wire: str) -> str:
    field, width = finder.fields[feature.field], feature.format.width
    bits = finder.address_bits(feature)
    high = feature.shift + bits - 1
    address = f"{field_wire}[{high}:{feature.shift}]"
    if field.signed:
        address += f" ^ {{{bits}{{{field_wire}[{field.width - 1}]}}}}"
    lines = ["", f"    // {feature.name}: {'magnitude of ' if field.signed else ''}{feature.field}"]
    if feature.table is None:
        held = address if width == bits else f"{{{width - bits}'d0, {address}}}"
        lines += [f"    reg [{width - 1}:0] {wire};", f"    always @(posedge clk) {wire} <= {held};"]
    else:
        lines += [
            f"    wire [{width - 1}:0] {wire};",
            f"    {table_module(feature)} {wire}_table (.clk(clk), .address({address}), .word({wire}));",
        ]
    return "\n".join(lines) + "\n"


def _connections(program: Program, wires: dict[str, str]) -> str:
    names = port_names(program).inputs
    ports = zip(names, program.inputs, strict=True)
    return "\n".join(f"        .{port}({wires[tensor.name]})," for port, tensor in ports)


def _output(program: Program) -> str:
    return port_names(program).outputs[0]
