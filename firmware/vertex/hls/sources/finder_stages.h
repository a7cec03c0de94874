#ifndef @TOP@_FINDER_STAGES_H_
#define @TOP@_FINDER_STAGES_H_

// The stages of the finder; each handles one event a call.

#include "finder_types.h"

namespace @top@_parts {

void fill_histogram(hls::stream<clock_in_t> &in, hls::stream<accepted_t> &accepted,
                    hls::stream<kept_track_t> kept[LANES], hls::stream<occupancy_t> &occupancy,
                    hls::stream<bool> &truncated, hls::stream<histogram_row_t> &histogram);

void convolve(hls::stream<histogram_row_t> &histogram, hls::stream<pattern_row_t> &pattern);

void find_peak(hls::stream<pattern_row_t> &pattern, hls::stream<bool> &truncated, hls::stream<vertex_t> &vertex_out,
               hls::stream<vertex_t> &vertex);

void associate(hls::stream<vertex_t> &vertex, hls::stream<occupancy_t> &occupancy,
               hls::stream<kept_track_t> kept[LANES], association_word_t threshold, hls::stream<clock_out_t> &out);

} // namespace @top@_parts

#endif
