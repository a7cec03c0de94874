// histogram_lane: sums the weights of one lane's tracks in BINS saturating bins, event after event without a pause.
//
//   in_valid, in_bin, in_weight   a track
//   in_last                       the event ends with this clock (its track included)
//   out_valid, out_row            BINS_PER_CLOCK bins of an event that has ended, bin 0 in the low bits;
//   out_first, out_last           ROWS = BINS / BINS_PER_CLOCK such rows follow each other without a gap, upwards
//
// Latency: the first row is at the outputs 3 clock edges after the edge that samples in_last (sampled by the third).
// II = 1 for tracks; two in_last must be at least ROWS + 1 clocks apart. Two events are held: one that is filled, one
// that is read.
//
// Each track takes two clocks: its bin is read, then the sum is written back; a track of the same bin right behind
// takes the sum from a register. A row's first track of an event writes zeros to the row's other bins, and one bit a
// row says whether it has had one: the memories never have to be cleared, neither between events nor after a reset.
// Depth: a memory read and a multiplexer of BINS_PER_CLOCK; an adder, the saturation and a gate.
// rst is synchronous; from the clock after it on, tracks are taken.

`timescale 1 ns / 1 ps
`default_nettype none

module histogram_lane #(
    parameter BINS           = 256,
    parameter BINS_PER_CLOCK = 16,
    parameter WIDTH          = 12,
    parameter WEIGHT_WIDTH   = 8
) (
    input  wire                            clk,
    input  wire                            rst,
    input  wire                            in_valid,
    input  wire [$clog2(BINS)-1:0]         in_bin,
    input  wire [WEIGHT_WIDTH-1:0]         in_weight,
    input  wire                            in_last,
    output reg                             out_valid,
    output reg                             out_first,
    output reg                             out_last,
    output reg  [BINS_PER_CLOCK*WIDTH-1:0] out_row
);

    localparam ROWS      = BINS / BINS_PER_CLOCK;
    localparam ROW_BITS  = $clog2(ROWS);
    localparam BANK_BITS = $clog2(BINS_PER_CLOCK);
    localparam SUM_WIDTH = ((WEIGHT_WIDTH > WIDTH) ? WEIGHT_WIDTH : WIDTH) + 1;

    wire [ROW_BITS-1:0]  in_row  = in_bin[BANK_BITS +: ROW_BITS];
    wire [BANK_BITS-1:0] in_bank = in_bin[BANK_BITS-1:0];

    // The half of the memories that is being filled, and the rows of both halves that have had a track.
    reg              half;
    reg [2*ROWS-1:0] touched;

    // First clock of a track: its bin is read.
    reg                    add_valid;
    reg [ROW_BITS:0]       add_row;
    reg [BANK_BITS-1:0]    add_bank;
    reg [WEIGHT_WIDTH-1:0] add_weight;
    reg [WIDTH-1:0]        add_bin;
    reg                    add_same_bin;
    reg                    add_first;

    wire [ROW_BITS:0]                 fill_row = {half, in_row};
    wire [BINS_PER_CLOCK*WIDTH-1:0]   fill_bins;
    wire same_row = add_valid & (add_row == fill_row);

    always @(posedge clk) begin
        add_valid    <= in_valid & ~rst;
        add_row      <= fill_row;
        add_bank     <= in_bank;
        add_weight   <= in_weight;
        add_bin      <= touched[fill_row] ? fill_bins[in_bank*WIDTH +: WIDTH] : {WIDTH{1'b0}};
        add_same_bin <= same_row & (add_bank == in_bank);
        add_first    <= ~touched[fill_row] & ~same_row;
    end

    // Second clock: the sum is written back.
    reg  [WIDTH-1:0]     last_sum;
    wire [WIDTH-1:0]     base  = add_same_bin ? last_sum : add_bin;
    wire [SUM_WIDTH-1:0] exact = {{(SUM_WIDTH - WIDTH){1'b0}}, base}
                               + {{(SUM_WIDTH - WEIGHT_WIDTH){1'b0}}, add_weight};
    wire [WIDTH-1:0]     sum   = exact[WIDTH-1:0] | {WIDTH{|exact[SUM_WIDTH-1:WIDTH]}};

    always @(posedge clk) begin
        last_sum <= sum;
        if (rst) touched <= {(2 * ROWS){1'b0}};
        else begin
            if (add_valid) touched[add_row] <= 1'b1;
            // The half that comes next has been read by now.
            if (in_last & half)  touched[ROWS-1:0]      <= {ROWS{1'b0}};
            if (in_last & ~half) touched[2*ROWS-1:ROWS] <= {ROWS{1'b0}};
        end
        if (rst)          half <= 1'b0;
        else if (in_last) half <= ~half;
    end

    // Reading an event that has ended: it begins when its last sum is in the memory.
    reg                 ended;
    reg                 reading;
    reg  [ROW_BITS-1:0] row;
    wire [ROW_BITS:0]   read_row = {~half, row};
    wire                is_last  = row == {ROW_BITS{1'b1}};
    wire [BINS_PER_CLOCK*WIDTH-1:0] read_bins;

    always @(posedge clk) begin
        ended   <= in_last & ~rst;
        reading <= ~rst & (ended | (reading & ~is_last));
        if (ended) row <= {ROW_BITS{1'b0}};
        else       row <= row + 1'b1;
        out_valid <= reading & ~rst;
        out_first <= row == {ROW_BITS{1'b0}};
        out_last  <= is_last;
        out_row   <= touched[read_row] ? read_bins : {(BINS_PER_CLOCK * WIDTH){1'b0}};
    end

    genvar b;
    generate
        for (b = 0; b < BINS_PER_CLOCK; b = b + 1) begin : bank
            reg  [WIDTH-1:0] memory [0:2*ROWS-1];
            wire             mine = add_bank == b;

            always @(posedge clk)
                if (add_valid & (mine | add_first)) memory[add_row] <= mine ? sum : {WIDTH{1'b0}};

            assign fill_bins[b*WIDTH +: WIDTH] = memory[fill_row];
            assign read_bins[b*WIDTH +: WIDTH] = memory[read_row];
        end
    endgenerate

endmodule

`default_nettype wire
