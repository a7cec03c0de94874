// histogram_merge: adds the rows of all lanes, bin by bin, and saturates.
//
//   in_valid, in_first, in_last   of the rows (all lanes' rows come in the same clock)
//   in_rows                       LANES rows of WORDS bins, lane 0 in the low bits
//   out_valid, out_first, out_last, out_row
//
// The sum is exact up to the last adder, which saturates; bins have no sign, so this is what saturating at every
// addition would give. Latency LEVELS = ceil(log(LANES) / log(ARITY)), at least 1; II = 1. Depth: an adder of ARITY
// (2 or 3) operands, at the last level also the saturation. rst is synchronous and clears out_valid.

`timescale 1 ns / 1 ps
`default_nettype none

module histogram_merge #(
    parameter LANES = 18,
    parameter WORDS = 16,
    parameter WIDTH = 12,
    parameter ARITY = 3
) (
    input  wire                         clk,
    input  wire                         rst,
    input  wire                         in_valid,
    input  wire                         in_first,
    input  wire                         in_last,
    input  wire [LANES*WORDS*WIDTH-1:0] in_rows,
    output wire                         out_valid,
    output wire                         out_first,
    output wire                         out_last,
    output wire [WORDS*WIDTH-1:0]       out_row
);

    localparam FULL = WIDTH + ((LANES > 1) ? $clog2(LANES) : 1);

    // Sums that a level leaves of the LANES words.
    function integer left;
        input integer level;
        integer i;
        begin
            left = LANES;
            for (i = 0; i < level; i = i + 1) left = (left + ARITY - 1) / ARITY;
        end
    endfunction

    function integer levels;
        input integer unused;
        begin
            levels = 1;
            while (left(levels) > 1) levels = levels + 1;
        end
    endfunction

    localparam LEVELS = levels(0);

    reg [LEVELS-1:0] valid;
    reg [LEVELS-1:0] first;
    reg [LEVELS-1:0] last;

    generate
        if (LEVELS > 1) begin : flags
            always @(posedge clk) begin
                valid <= rst ? {LEVELS{1'b0}} : {valid[LEVELS-2:0], in_valid};
                first <= {first[LEVELS-2:0], in_first};
                last  <= {last[LEVELS-2:0], in_last};
            end
        end else begin : flags
            always @(posedge clk) begin
                valid <= ~rst & in_valid;
                first <= in_first;
                last  <= in_last;
            end
        end
    endgenerate

    assign out_valid = valid[LEVELS-1];
    assign out_first = first[LEVELS-1];
    assign out_last  = last[LEVELS-1];

    genvar w, k, n, i;
    generate
        for (w = 0; w < WORDS; w = w + 1) begin : bin
            for (k = 0; k <= LEVELS; k = k + 1) begin : level
                wire [left(k)*FULL-1:0] sums;
            end
            for (n = 0; n < LANES; n = n + 1) begin : lane
                assign level[0].sums[n*FULL +: FULL] = {{(FULL - WIDTH){1'b0}}, in_rows[(n*WORDS+w)*WIDTH +: WIDTH]};
            end
            for (k = 1; k <= LEVELS; k = k + 1) begin : adders
                for (n = 0; n < left(k); n = n + 1) begin : node
                    // Operands that this node lacks are zero.
                    wire [3*FULL-1:0] operands;
                    for (i = 0; i < 3; i = i + 1) begin : operand
                        if (i < ARITY && n * ARITY + i < left(k - 1)) begin : present
                            assign operands[i*FULL +: FULL] = level[k-1].sums[(n*ARITY+i)*FULL +: FULL];
                        end else begin : absent
                            assign operands[i*FULL +: FULL] = {FULL{1'b0}};
                        end
                    end
                    wire [FULL-1:0] exact = operands[0 +: FULL] + operands[FULL +: FULL] + operands[2*FULL +: FULL];
                    reg  [FULL-1:0] sum;
                    if (k < LEVELS) begin : inner
                        always @(posedge clk) sum <= exact;
                    end else begin : outer
                        always @(posedge clk)
                            sum <= {{(FULL - WIDTH){1'b0}}, exact[WIDTH-1:0] | {WIDTH{|exact[FULL-1:WIDTH]}}};
                    end
                    assign level[k].sums[n*FULL +: FULL] = sum;
                end
            end
            assign out_row[w*WIDTH +: WIDTH] = level[LEVELS].sums[WIDTH-1:0];
        end
    endgenerate

endmodule

`default_nettype wire
