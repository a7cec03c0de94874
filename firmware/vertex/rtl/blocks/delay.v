// delay: a word, CYCLES clocks later. No reset: it becomes shift registers. Latency CYCLES (0 is a wire), II = 1.

`timescale 1 ns / 1 ps
`default_nettype none

module delay #(
    parameter WIDTH  = 8,
    parameter CYCLES = 4
) (
    input  wire             clk,
    input  wire [WIDTH-1:0] in,
    output wire [WIDTH-1:0] out
);

    generate
        if (CYCLES == 0) begin : none
            assign out = in;
        end else begin : chain
            reg [CYCLES*WIDTH-1:0] words;
            if (CYCLES == 1) begin : one
                always @(posedge clk) words <= in;
            end else begin : more
                always @(posedge clk) words <= {words[(CYCLES-1)*WIDTH-1:0], in};
            end
            assign out = words[CYCLES*WIDTH-1 -: WIDTH];
        end
    endgenerate

endmodule

`default_nettype wire
