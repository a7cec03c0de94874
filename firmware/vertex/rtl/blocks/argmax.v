// argmax: the bin of an event's largest word; of equal ones that nearest the middle; of two as near the lower one.
//
//   in_valid, in_row              ROWS rows of WORDS words of an event, upwards; gaps between rows do no harm
//   out_valid, out_bin, out_peak  one result an event: the bin, and its word
//
// Latency: log2(WORDS) + 1 clock edges from the one that samples an event's last row to the one that samples
// out_valid high: the levels of a tree, then the best of all rows so far. II = 1. Depth of each: a comparison and a
// multiplexer. WORDS and ROWS are powers of two, ROWS at least 2: a row lies on one side of the middle, so that within
// a row the later of two equal words wins below the middle, and the earlier one above it.
// rst is synchronous; the first row after it is an event's first.

`timescale 1 ns / 1 ps
`default_nettype none

module argmax #(
    parameter ROWS  = 16,
    parameter WORDS = 16,
    parameter WIDTH = 21,
    parameter SIGNED = 0
) (
    input  wire                           clk,
    input  wire                           rst,
    input  wire                           in_valid,
    input  wire [WORDS*WIDTH-1:0]         in_row,
    output reg                            out_valid,
    output wire [$clog2(ROWS*WORDS)-1:0]  out_bin,
    output wire [WIDTH-1:0]               out_peak
);

    localparam LEVELS   = $clog2(WORDS);
    localparam ROW_BITS = $clog2(ROWS);
    localparam BIN_BITS = $clog2(ROWS * WORDS);

    // Words as numbers without sign in the same order: the sign bit turned over.
    localparam [WIDTH-1:0] TURNED = SIGNED ? {1'b1, {(WIDTH - 1){1'b0}}} : {WIDTH{1'b0}};

    reg [ROW_BITS-1:0] next_row;

    always @(posedge clk) begin
        if (rst)           next_row <= {ROW_BITS{1'b0}};
        else if (in_valid) next_row <= next_row + 1'b1;
    end

    genvar k, n;
    generate
        for (k = 0; k <= LEVELS; k = k + 1) begin : level
            localparam NODES = WORDS >> k;
            localparam FROM  = (k > 0) ? k : 1;
            wire                   valid;
            wire [ROW_BITS-1:0]    row;
            wire [NODES*WIDTH-1:0] words;
            wire [NODES*FROM-1:0]  places;
        end

        assign level[0].valid  = in_valid;
        assign level[0].row    = next_row;
        assign level[0].places = {WORDS{1'b0}};
        for (n = 0; n < WORDS; n = n + 1) begin : leaf
            assign level[0].words[n*WIDTH +: WIDTH] = in_row[n*WIDTH +: WIDTH] ^ TURNED;
        end

        for (k = 1; k <= LEVELS; k = k + 1) begin : tree
            localparam FROM = (k > 1) ? k - 1 : 1;
            reg                valid;
            reg [ROW_BITS-1:0] row;
            wire               below = ~level[k-1].row[ROW_BITS-1];

            always @(posedge clk) begin
                valid <= level[k-1].valid & ~rst;
                row   <= level[k-1].row;
            end
            assign level[k].valid = valid;
            assign level[k].row   = row;

            for (n = 0; n < (WORDS >> k); n = n + 1) begin : node
                wire [WIDTH-1:0] low   = level[k-1].words[2*n*WIDTH +: WIDTH];
                wire [WIDTH-1:0] high  = level[k-1].words[(2*n+1)*WIDTH +: WIDTH];
                wire             upper = {high, below} > {low, 1'b0};
                reg  [WIDTH-1:0] word;
                reg  [k-1:0]     place;

                always @(posedge clk) begin
                    word <= upper ? high : low;
                    place[k-1] <= upper;
                end
                if (k > 1) begin : inner
                    always @(posedge clk)
                        place[FROM-1:0] <= upper ? level[k-1].places[(2*n+1)*FROM +: FROM]
                                                 : level[k-1].places[2*n*FROM +: FROM];
                end
                assign level[k].words[n*WIDTH +: WIDTH] = word;
                assign level[k].places[n*k +: k]        = place;
            end
        end
    endgenerate

    // The row's best against the best of the rows before it: word, then nearness to the middle. Where both are equal
    // the bin before stays, which is the lower one.
    wire                row_valid = level[LEVELS].valid;
    wire [ROW_BITS-1:0] row       = level[LEVELS].row;
    wire [WIDTH-1:0]    row_word  = level[LEVELS].words;
    wire [BIN_BITS-1:0] row_bin   = {row, level[LEVELS].places};
    reg  [WIDTH-1:0]    best_word;
    reg  [BIN_BITS-1:0] best_bin;

    wire row_above  = row_bin[BIN_BITS-1];
    wire best_above = best_bin[BIN_BITS-1];
    wire [WIDTH+BIN_BITS-2:0] row_key  = {row_word, row_bin[BIN_BITS-2:0] ^ {(BIN_BITS - 1){row_above}}};
    wire [WIDTH+BIN_BITS-2:0] best_key = {best_word, best_bin[BIN_BITS-2:0] ^ {(BIN_BITS - 1){best_above}}};

    always @(posedge clk) begin
        if (row_valid && (row == {ROW_BITS{1'b0}} || row_key > best_key)) begin
            best_word <= row_word;
            best_bin  <= row_bin;
        end
        out_valid <= ~rst & row_valid & (row == {ROW_BITS{1'b1}});
    end

    assign out_bin  = best_bin;
    assign out_peak = best_word ^ TURNED;

endmodule

`default_nettype wire
