// track_counter: numbers the tracks of an event on one lane, and drops those beyond the first TRACKS.
//
//   in_valid  a track on this lane in this clock
//   in_last   the event ends with this clock (the track of this clock still belongs to it)
//   accept    this track is kept; its number within the event is index, 0 for the first
//   drop      this track is one too many
//   total     kept tracks of the event up to and with this clock: at in_last, those of the event
//
// Latency 0 (outputs belong to the same clock's inputs), II = 1. Depth: a comparison of the counter with a constant,
// and one gate. rst is synchronous.

`timescale 1 ns / 1 ps
`default_nettype none

module track_counter #(
    parameter TRACKS = 32
) (
    input  wire                          clk,
    input  wire                          rst,
    input  wire                          in_valid,
    input  wire                          in_last,
    output wire                          accept,
    output wire                          drop,
    output wire [$clog2(TRACKS + 1)-1:0] index,
    output wire [$clog2(TRACKS + 1)-1:0] total
);

    localparam COUNT_BITS = $clog2(TRACKS + 1);

    reg  [COUNT_BITS-1:0] count;
    wire full = count == TRACKS[COUNT_BITS-1:0];

    assign accept = in_valid & ~full;
    assign drop   = in_valid & full;
    assign index  = count;
    assign total  = accept ? count + 1'b1 : count;

    always @(posedge clk) begin
        if (rst | in_last) count <= {COUNT_BITS{1'b0}};
        else               count <= total;
    end

endmodule

`default_nettype wire
