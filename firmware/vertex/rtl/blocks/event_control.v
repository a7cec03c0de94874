// event_control: where an event ends, which slot of the track buffers is whose, the replay of an event's tracks, and
// what is done when events come too fast.
//
//   in_last           an event ends with this clock
//   last, write_slot  one clock later: the event's end, and the slot of the event whose tracks come in that clock
//   histogram_last    the event's end as the histograms need it, HISTOGRAM_DELAY clocks behind last
//   dropped           a lane dropped a track of the event, one clock behind last
//   found, found_z0   an event's vertex
//   truncated         whether lanes dropped tracks of the event whose vertex comes next
//   read_enable, read_slot, read_index, read_z0
//                     the replay: TRACKS clocks, the first in the clock after found; read_z0 is one clock later, in
//                     time for the tracks that the buffers give back
//   track_last        the last clock of a replay, REPLAY_DELAY clocks behind its read_enable
//   error             in_last came less than II clocks after the one before; stays until rst
//   stop              from the clock edge at which error rises: nothing may be given out
//
// Latencies as stated; II clocks between two in_last, where II is at least TRACKS. The slots must suffice for the
// events on their way (the generator sees to it). Depth: a small counter's comparison.
// rst is synchronous: all that is on its way is forgotten, and the clock after it belongs to a new event.

`timescale 1 ns / 1 ps
`default_nettype none

module event_control #(
    parameter SLOTS           = 4,
    parameter TRACKS          = 32,
    parameter II              = 32,
    parameter Z0_WIDTH        = 12,
    parameter HISTOGRAM_DELAY = 18,
    parameter REPLAY_DELAY    = 14
) (
    input  wire                          clk,
    input  wire                          rst,
    input  wire                          in_last,
    output reg                           last,
    output reg  [$clog2(SLOTS)-1:0]      write_slot,
    output wire                          histogram_last,
    input  wire                          dropped,
    input  wire                          found,
    input  wire [Z0_WIDTH-1:0]           found_z0,
    output reg                           truncated,
    output reg                           read_enable,
    output reg  [$clog2(SLOTS)-1:0]      read_slot,
    output reg  [$clog2(TRACKS + 1)-1:0] read_index,
    output reg  [Z0_WIDTH-1:0]           read_z0,
    output wire                          track_last,
    output reg                           error,
    output wire                          stop
);

    localparam SLOT_BITS  = $clog2(SLOTS);
    localparam COUNT_BITS = $clog2(TRACKS + 1);
    localparam WAIT_BITS  = $clog2(II);
    localparam LAST_SLOT  = SLOTS - 1;
    localparam WAIT       = II - 1;

    // Slots are taken in turn by the events that enter, and in the same order by those whose vertex is found.
    function [SLOT_BITS-1:0] next_slot;
        input [SLOT_BITS-1:0] slot;
        next_slot = (slot == LAST_SLOT[SLOT_BITS-1:0]) ? {SLOT_BITS{1'b0}} : slot + 1'b1;
    endfunction

    reg [WAIT_BITS-1:0] clocks_left;
    wire too_early = last & (clocks_left != {WAIT_BITS{1'b0}});

    assign stop = too_early | error;

    always @(posedge clk) begin
        last <= in_last & ~rst;
        if (rst)       write_slot <= {SLOT_BITS{1'b0}};
        else if (last) write_slot <= next_slot(write_slot);
        if (rst)                                    clocks_left <= {WAIT_BITS{1'b0}};
        else if (last)                              clocks_left <= WAIT[WAIT_BITS-1:0];
        else if (clocks_left != {WAIT_BITS{1'b0}}) clocks_left <= clocks_left - 1'b1;
        error <= ~rst & stop;
    end

    reg [HISTOGRAM_DELAY-1:0] ends;
    always @(posedge clk) ends <= rst ? {HISTOGRAM_DELAY{1'b0}} : {ends[HISTOGRAM_DELAY-2:0], last};
    assign histogram_last = ends[HISTOGRAM_DELAY-1];

    // What the lanes dropped comes one clock behind last.
    reg                 closing;
    reg [SLOT_BITS-1:0] closing_slot;
    reg                 any_dropped;
    reg                 truncated_events [0:SLOTS-1];

    always @(posedge clk) begin
        closing      <= last & ~rst;
        closing_slot <= write_slot;
        any_dropped  <= ~rst & ~closing & (any_dropped | dropped);
        if (closing) truncated_events[closing_slot] <= any_dropped | dropped;
        truncated    <= truncated_events[read_slot_next];
    end

    // read_slot is the slot that is being replayed, read_slot_next that of the next vertex.
    reg [SLOT_BITS-1:0] read_slot_next;
    reg [Z0_WIDTH-1:0]  replay_z0;
    wire at_end = read_index == TRACKS - 1;

    always @(posedge clk) begin
        if (rst)        read_slot_next <= {SLOT_BITS{1'b0}};
        else if (found) read_slot_next <= next_slot(read_slot_next);
        if (found) begin
            read_slot <= read_slot_next;
            replay_z0 <= found_z0;
        end
        read_z0     <= replay_z0;
        read_enable <= ~rst & (found | (read_enable & ~at_end));
        if (found) read_index <= {COUNT_BITS{1'b0}};
        else       read_index <= read_index + 1'b1;
    end

    reg [REPLAY_DELAY-1:0] replay_ends;
    always @(posedge clk)
        replay_ends <= rst ? {REPLAY_DELAY{1'b0}} : {replay_ends[REPLAY_DELAY-2:0], read_enable & at_end};
    assign track_last = replay_ends[REPLAY_DELAY-1];

endmodule

`default_nettype wire
