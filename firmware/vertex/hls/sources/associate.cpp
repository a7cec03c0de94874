// Every kept track of the event is compared with the vertex.

#include "finder_networks.h"
#include "finder_stages.h"

namespace @top@_parts {

namespace {

const distance_word_t DISTANCE_MAX = distance_word_t(-1);

distance_word_t distance_between(const z0_t &a, const z0_t &b) {
#pragma HLS INLINE
    const ap_int<Z0_BITS + 1> difference = ap_int<Z0_BITS + 1>(a) - b;
    ap_uint<Z0_BITS> steps = difference < 0 ? ap_int<Z0_BITS + 1>(-difference) : difference;
    steps >>= DISTANCE_SHIFT;
    return steps > DISTANCE_MAX ? DISTANCE_MAX : distance_word_t(steps);
}

track_result_t compared(const kept_track_t &track, const z0_t &z0, const association_word_t &threshold) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II=1
    track_result_t result;
    result.weight = track.weight;
    result.association = association_of(track.features, distance_between(track.z0, z0));
    result.associated = result.association >= threshold;
    return result;
}

} // namespace

void associate(hls::stream<vertex_t> &vertex, hls::stream<occupancy_t> &occupancy,
               hls::stream<kept_track_t> kept[LANES], association_word_t threshold, hls::stream<clock_out_t> &out) {
    const vertex_t found = vertex.read();
    const occupancy_t tracks = occupancy.read();
    track_count_t clocks = 1;
    for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
        if (tracks.count[lane] > clocks)
            clocks = tracks.count[lane];
    }

replay:
    for (track_count_t clock = 0; clock < clocks; clock++) {
#pragma HLS LOOP_TRIPCOUNT min=1 max=TRACKS_PER_LANE
#pragma HLS PIPELINE II=1
        clock_out_t results;
        results.valid = 0;
        results.last = clock + 1 == clocks;
        for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
            if (clock < tracks.count[lane]) {
                results.track[lane] = compared(kept[lane].read(), found.z0, threshold);
                results.valid[lane] = true;
            }
        }
        out.write(results);
    }
}

} // namespace @top@_parts
