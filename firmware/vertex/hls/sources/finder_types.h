#ifndef @TOP@_FINDER_TYPES_H_
#define @TOP@_FINDER_TYPES_H_

// What enters, what leaves, and what goes from stage to stage.

#include "finder_parameters.h"
#include "hls_stream.h"

namespace @top@_parts {

// Track words of one clock. An event is all clocks up to and with one that has `last`.
struct clock_in_t {
    track_word_t word[LANES];
    ap_uint<LANES> valid;
    bool last;
};

// For every clock that entered: the lanes whose track was kept.
typedef ap_uint<LANES> accepted_t;

struct vertex_t {
    bin_t bin;
    z0_t z0; // centre of the bin
    pattern_word_t peak;
    bool truncated;
};

struct track_result_t {
    weight_word_t weight;
    association_word_t association;
    bool associated;
};

// Kept tracks of an event again, each lane in its order; an event without any gives one clock with nothing valid.
struct clock_out_t {
    track_result_t track[LANES];
    ap_uint<LANES> valid;
    bool last;
};

struct kept_track_t {
    features_t features;
    z0_t z0;
    weight_word_t weight;
};

struct occupancy_t {
    track_count_t count[LANES];
};

struct histogram_row_t {
    histogram_word_t bin[BINS_PER_CLOCK];
};

struct pattern_row_t {
    pattern_t bin[BINS_PER_CLOCK];
};

} // namespace @top@_parts

#endif
