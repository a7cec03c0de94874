"""The finder's top module: lanes, the way from histograms to vertex, event control."""

from __future__ import annotations

from string import Template

from firmware.rtl.top_module import port_names
from firmware.vertex.finder import VALID, VertexFinder
from firmware.vertex.programs import FinderPrograms
from firmware.vertex.rtl.lane_module import LANE
from firmware.vertex.rtl.timing import FinderTiming

__all__ = ["TOP", "top_source"]

TOP = "vertex_finder"

_TEMPLATE = Template("""\
// $top: the vertex finder '$finder'. Tracks in on $lanes lanes; one vertex an event, then each track's association.
//
// Clock period asked for: $period ns (a target).
//   in_valid, in_track    any set of lanes in any clock; lane 0 in the low bits; a word counts if its bit
//                         $valid_bit is 1
//   in_last               the event ends with this clock, its tracks included. What enters from the clock behind an
//                         in_last (or behind a reset) up to and with the next one is an event; it may be empty. Each
//                         lane keeps the first $tracks tracks of an event.
//   association_threshold a track is associated where its word is at least this; quasi-static, registered
//   vertex_*              latency_cycles = $latency clock edges from the one that samples in_last to the one that
//                         samples vertex_valid high: the bin, its centre in steps of z0 (signed), the pattern's word
//                         there, and whether a lane dropped tracks
//   track_*               the kept tracks once more, in the order in which they entered their lane, in $tracks clocks;
//                         the first is sampled $association_latency clock edges behind vertex_valid. track_last is
//                         high in the last of these clocks, whether or not a track is there.
//   error                 in_last came less than II = $ii clocks after the one before; nothing is valid from then on,
//                         until rst
//
// rst is synchronous: events on their way are forgotten; the clock behind it belongs to a new event. One clock
// of it is enough; nothing is promised before the first.
//
// Latency by block:
$blocks

`timescale 1 ns / 1 ps
`default_nettype none

module $top (
    input  wire clk,
    input  wire rst,
    input  wire [$lane_high:0] in_valid,
    input  wire [$tracks_high:0] in_track,
    input  wire in_last,
    input  wire ${sign}[$association_high:0] association_threshold,
    output wire vertex_valid,
    output wire [$bin_high:0] vertex_bin,
    output wire signed [$z0_high:0] vertex_z0,
    output wire ${peak_sign}[$peak_high:0] vertex_peak,
    output wire vertex_truncated,
    output wire [$lane_high:0] track_valid,
    output wire [$associations_high:0] track_association,
    output wire [$lane_high:0] track_associated,
    output reg  track_last,
    output wire error
);

    reg ${sign}[$association_high:0] threshold;
    always @(posedge clk) threshold <= association_threshold;

    wire last;
    wire [$slot_high:0] write_slot;
    wire histogram_last;
    wire read_enable;
    wire [$slot_high:0] read_slot;
    wire [$index_high:0] read_index;
    wire [$z0_high:0] read_z0;
    wire replay_last;
    wire stop;
    wire [$lane_high:0] dropped;

    event_control #(
        .SLOTS($slots), .TRACKS($tracks), .II($ii), .Z0_WIDTH($z0_bits),
        .HISTOGRAM_DELAY($histogram_delay), .REPLAY_DELAY($replay_delay)
    ) control (
        .clk(clk), .rst(rst), .in_last(in_last), .last(last), .write_slot(write_slot),
        .histogram_last(histogram_last), .dropped(|dropped),
        .found(vertex_valid), .found_z0(vertex_z0), .truncated(vertex_truncated),
        .read_enable(read_enable), .read_slot(read_slot), .read_index(read_index), .read_z0(read_z0),
        .track_last(replay_last), .error(error), .stop(stop)
    );
    always @(posedge clk) track_last <= replay_last & ~rst & ~stop;

    wire [$lane_high:0] lane_row_valid;
    wire [$lane_high:0] lane_row_first;
    wire [$lane_high:0] lane_row_last;
    wire [$rows_high:0] lane_rows;

    genvar i;
    generate
        for (i = 0; i < $lanes; i = i + 1) begin : lane
            $lane_module lane (
                .clk(clk), .rst(rst), .stop(stop),
                .in_valid(in_valid[i]), .in_track(in_track[i*$word_bits +: $word_bits]), .last(last),
                .write_slot(write_slot), .histogram_last(histogram_last), .dropped(dropped[i]),
                .row_valid(lane_row_valid[i]), .row_first(lane_row_first[i]), .row_last(lane_row_last[i]),
                .row(lane_rows[i*$row_bits +: $row_bits]),
                .read_enable(read_enable), .read_slot(read_slot), .read_index(read_index), .read_z0(read_z0),
                .threshold(threshold), .track_valid(track_valid[i]),
                .track_association(track_association[i*$association_bits +: $association_bits]),
                .track_associated(track_associated[i])
            );
        end
    endgenerate

    // All lanes give their rows in the same clocks.
    wire row_valid;
    wire row_first;
    wire row_last;
    wire [$row_high:0] row;
    histogram_merge #(.LANES($lanes), .WORDS($words), .WIDTH($histogram_bits), .ARITY($arity)) merge (
        .clk(clk), .rst(rst), .in_valid(lane_row_valid[0]), .in_first(lane_row_first[0]),
        .in_last(lane_row_last[0]), .in_rows(lane_rows),
        .out_valid(row_valid), .out_first(row_first), .out_last(row_last), .out_row(row)
    );

    wire window_valid;
    wire [$window_high:0] window;
    row_window #(.WORDS($words), .WIDTH($histogram_bits), .SIDE($side)) neighbours (
        .clk(clk), .rst(rst), .in_valid(row_valid), .in_first(row_first), .in_last(row_last), .in_row(row),
        .out_valid(window_valid), .out_window(window)
    );

    wire pattern_valid;
    wire [$patterns_high:0] pattern_row;
    pattern pattern_network (
        .clk(clk), .rst(rst), .in_valid(window_valid), .$pattern_input(window),
        .out_valid(pattern_valid), .$pattern_output(pattern_row)
    );

    argmax #(.ROWS($row_count), .WORDS($words), .WIDTH($peak_bits), .SIGNED($peak_is_signed)) best (
        .clk(clk), .rst(rst | stop), .in_valid(pattern_valid), .in_row(pattern_row),
        .out_valid(vertex_valid), .out_bin(vertex_bin), .out_peak(vertex_peak)
    );

    // The bin's centre: bins are the upper bits of z0, counted from its lowest value.
    assign vertex_z0 = {~vertex_bin[$bin_high], vertex_bin[$bin_low_high:0]$half};

endmodule

`default_nettype wire
""")


def top_source(finder: VertexFinder, programs: FinderPrograms, timing: FinderTiming, clock_period_ns: float) -> str:
    """Verilog of the top module."""
    lanes, words, width = finder.lanes, finder.bins_per_clock, finder.histogram.width
    association, peak = finder.association_format, finder.pattern_format
    side = finder.kernel_size // 2
    pattern = port_names(programs.pattern)
    bin_bits, shift = finder.bins.bit_length() - 1, finder.bin_shift
    half = {0: "", 1: ", 1'b1"}.get(shift, f", 1'b1, {shift - 1}'d0")
    return _TEMPLATE.substitute(
        top=TOP, finder=finder.name, lanes=lanes, period=f"{clock_period_ns:g}", tracks=finder.tracks_per_lane,
        valid_bit=finder.fields[VALID].offset, latency=timing.latency_cycles, ii=timing.ii,
        association_latency=timing.association_latency,
        blocks="\n".join(f"//   {name:9} {cycles:3}" for name, cycles in timing.blocks.items()),
        lane_high=lanes - 1, tracks_high=lanes * finder.word_bits - 1, word_bits=finder.word_bits,
        sign="signed " if association.signed else "", association_high=association.width - 1,
        association_bits=association.width, associations_high=lanes * association.width - 1,
        bin_high=bin_bits - 1, bin_low_high=bin_bits - 2, z0_high=finder.z0.width - 1, z0_bits=finder.z0.width,
        peak_sign="signed " if peak.signed else "", peak_high=peak.width - 1, peak_bits=peak.width,
        peak_is_signed=int(peak.signed), slot_high=(timing.slots - 1).bit_length() - 1, slots=timing.slots,
        index_high=finder.tracks_per_lane.bit_length() - 1, lane_module=LANE,
        histogram_delay=timing.blocks["weight"] + 1, replay_delay=timing.association_latency - 2,
        row_bits=words * width, row_high=words * width - 1, rows_high=lanes * words * width - 1,
        row_count=finder.rows, words=words, histogram_bits=width, arity=timing.merge_arity, side=side,
        window_high=(words + 2 * side) * width - 1, patterns_high=words * peak.width - 1,
        pattern_input=pattern.inputs[0], pattern_output=pattern.outputs[0], half=half,
    )  # fmt: skip
