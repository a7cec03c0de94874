// row_window: joins each row of bins with the SIDE bins before and the SIDE bins behind it; zeros beyond both ends.
//
//   in_valid, in_first, in_last, in_row   rows of WORDS bins of an event, upwards, without a gap
//   out_valid                             one window a row
//   out_window                            WORDS + 2 * SIDE bins, the lowest in the low bits
//
// Latency 1: a row waits for the next one, whose lowest bins pass straight to the output. II = 1. SIDE is at most
// WORDS. Depth: one gate; the outputs are not registered, the network behind registers its inputs.
// rst is synchronous and clears out_valid.

`timescale 1 ns / 1 ps
`default_nettype none

module row_window #(
    parameter WORDS = 16,
    parameter WIDTH = 12,
    parameter SIDE  = 1
) (
    input  wire                              clk,
    input  wire                              rst,
    input  wire                              in_valid,
    input  wire                              in_first,
    input  wire                              in_last,
    input  wire [WORDS*WIDTH-1:0]            in_row,
    output wire                              out_valid,
    output wire [(WORDS + 2*SIDE)*WIDTH-1:0] out_window
);

    reg                   valid;
    reg                   first;
    reg                   last;
    reg [WORDS*WIDTH-1:0] row;

    always @(posedge clk) begin
        valid <= in_valid & ~rst;
        first <= in_first;
        last  <= in_last;
        row   <= in_row;
    end

    assign out_valid = valid;

    generate
        if (SIDE > 0) begin : neighbours
            reg  [SIDE*WIDTH-1:0] below;
            wire [SIDE*WIDTH-1:0] above = in_row[SIDE*WIDTH-1:0];

            always @(posedge clk) below <= row[WORDS*WIDTH-1 -: SIDE*WIDTH];

            assign out_window = {above & {(SIDE*WIDTH){~last}}, row, below & {(SIDE*WIDTH){~first}}};
        end else begin : alone
            assign out_window = row;
        end
    endgenerate

endmodule

`default_nettype wire
