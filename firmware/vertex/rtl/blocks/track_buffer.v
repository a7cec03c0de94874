// track_buffer: keeps the tracks of one lane from the clock in which they enter until their event's vertex is known.
//
// A memory of SLOTS events of up to TRACKS tracks, and the number of tracks of each slot's event.
//   write_enable, write_slot, write_index, write_data   a track is stored
//   close, close_slot, close_count                      an event ends with that many tracks
//   read_enable, read_slot, read_index                  asks for one track
//   out_valid, out_data                                 whether the event has a track of that number, and the track
//
// Latency of a read 1, II = 1; a write can be read by a request in the next clock. Depth: one memory read, or one
// memory read and a comparison. rst is synchronous and clears out_valid; what is in the memories has no meaning until
// it is written again.

`timescale 1 ns / 1 ps
`default_nettype none

module track_buffer #(
    parameter SLOTS  = 4,
    parameter TRACKS = 32,
    parameter WIDTH  = 27
) (
    input  wire                          clk,
    input  wire                          rst,
    input  wire                          write_enable,
    input  wire [$clog2(SLOTS)-1:0]      write_slot,
    input  wire [$clog2(TRACKS + 1)-1:0] write_index,
    input  wire [WIDTH-1:0]              write_data,
    input  wire                          close,
    input  wire [$clog2(SLOTS)-1:0]      close_slot,
    input  wire [$clog2(TRACKS + 1)-1:0] close_count,
    input  wire                          read_enable,
    input  wire [$clog2(SLOTS)-1:0]      read_slot,
    input  wire [$clog2(TRACKS + 1)-1:0] read_index,
    output reg                           out_valid,
    output reg  [WIDTH-1:0]              out_data
);

    localparam COUNT_BITS = $clog2(TRACKS + 1);
    // A slot takes a power of two, so that slot and number together are the address; of one track a slot holds two.
    localparam INDEX_BITS = (TRACKS > 1) ? $clog2(TRACKS) : 1;

    reg [WIDTH-1:0]      tracks [0:(SLOTS << INDEX_BITS)-1];
    reg [COUNT_BITS-1:0] counts [0:SLOTS-1];

    always @(posedge clk) begin
        if (write_enable) tracks[{write_slot, write_index[INDEX_BITS-1:0]}] <= write_data;
        out_data <= tracks[{read_slot, read_index[INDEX_BITS-1:0]}];
    end

    always @(posedge clk) begin
        if (close) counts[close_slot] <= close_count;
        out_valid <= ~rst & read_enable & (read_index < counts[read_slot]);
    end

endmodule

`default_nettype wire
