#include "@top@.h"

#include "finder_stages.h"

void @top@(hls::stream<@top@_parts::clock_in_t> &in, @top@_parts::association_word_t threshold,
           hls::stream<@top@_parts::accepted_t> &accepted, hls::stream<@top@_parts::vertex_t> &vertex,
           hls::stream<@top@_parts::clock_out_t> &out) {
    using namespace @top@_parts;
#pragma HLS INTERFACE mode=ap_fifo port=in
#pragma HLS INTERFACE mode=ap_none port=threshold
#pragma HLS INTERFACE mode=ap_fifo port=accepted
#pragma HLS INTERFACE mode=ap_fifo port=vertex
#pragma HLS INTERFACE mode=ap_fifo port=out
#pragma HLS AGGREGATE variable=in compact=bit
#pragma HLS AGGREGATE variable=vertex compact=bit
#pragma HLS AGGREGATE variable=out compact=bit
#pragma HLS STABLE variable=threshold
#pragma HLS DATAFLOW

    // The tracks wait for the vertex while those of the next event come in: room for two events.
    hls::stream<kept_track_t> kept[LANES];
#pragma HLS STREAM variable=kept depth=TWO_EVENTS
    hls::stream<occupancy_t> occupancy("occupancy");
#pragma HLS STREAM variable=occupancy depth=2
    hls::stream<bool> truncated("truncated");
#pragma HLS STREAM variable=truncated depth=2
    hls::stream<histogram_row_t> histogram("histogram");
#pragma HLS STREAM variable=histogram depth=2
    hls::stream<pattern_row_t> pattern("pattern");
#pragma HLS STREAM variable=pattern depth=2
    hls::stream<vertex_t> found("found");
#pragma HLS STREAM variable=found depth=2

    fill_histogram(in, accepted, kept, occupancy, truncated, histogram);
    convolve(histogram, pattern);
    find_peak(pattern, truncated, vertex, found);
    associate(found, occupancy, kept, threshold, out);
}
