// distance: how far a track is from the vertex, |z0 - vertex| in units of 2**SHIFT steps, saturated.
//
//   z0, vertex   signed
//   out          without sign
//
// Latency 1, II = 1; no reset: a distance belongs to the track of the clock before. Depth: a subtraction; behind the
// register, the choice of the sign and the saturation (the network behind registers its inputs).

`timescale 1 ns / 1 ps
`default_nettype none

module distance #(
    parameter Z0_WIDTH = 12,
    parameter SHIFT    = 0,
    parameter WIDTH    = 8
) (
    input  wire                clk,
    input  wire [Z0_WIDTH-1:0] z0,
    input  wire [Z0_WIDTH-1:0] vertex,
    output wire [WIDTH-1:0]    out
);

    // Both differences at once, so that no negation follows.
    reg [Z0_WIDTH:0]   above;
    reg [Z0_WIDTH-1:0] below;

    always @(posedge clk) begin
        above <= {z0[Z0_WIDTH-1], z0} - {vertex[Z0_WIDTH-1], vertex};
        below <= vertex - z0;
    end

    wire [Z0_WIDTH-1:0]       size   = above[Z0_WIDTH] ? below : above[Z0_WIDTH-1:0];
    wire [Z0_WIDTH-SHIFT-1:0] scaled = size[Z0_WIDTH-1:SHIFT];

    generate
        if (Z0_WIDTH - SHIFT > WIDTH) begin : saturated
            assign out = scaled[WIDTH-1:0] | {WIDTH{|scaled[Z0_WIDTH-SHIFT-1:WIDTH]}};
        end else begin : whole
            assign out = scaled;
        end
    endgenerate

endmodule

`default_nettype wire
