// Tracks of an event in: features, weights, and the histogram of the weights in z0.

#include "finder_networks.h"
#include "finder_stages.h"
#include "finder_tables.h"

namespace @top@_parts {

namespace {

const histogram_word_t HISTOGRAM_MAX = histogram_word_t(-1);

histogram_word_t saturated(const ap_uint<SUM_BITS> &sum) {
#pragma HLS INLINE
    return sum > HISTOGRAM_MAX ? HISTOGRAM_MAX : histogram_word_t(sum);
}

kept_track_t prepared(const track_word_t &word) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II=1
    kept_track_t track;
    track.features = features_of(word);
    track.z0 = field<Z0_LOW, Z0_BITS>(word);
    track.weight = weight_of(track.features);
    return track;
}

// z0 with its sign bit turned counts from the lowest value; a bin is its upper bits.
bin_t bin_of(const z0_t &z0) {
#pragma HLS INLINE
    ap_uint<Z0_BITS> from_lowest = z0;
    from_lowest[Z0_BITS - 1] = !from_lowest[Z0_BITS - 1];
    return from_lowest >> BIN_SHIFT;
}

} // namespace

void fill_histogram(hls::stream<clock_in_t> &in, hls::stream<accepted_t> &accepted,
                    hls::stream<kept_track_t> kept[LANES], hls::stream<occupancy_t> &occupancy,
                    hls::stream<bool> &truncated, hls::stream<histogram_row_t> &histogram) {
    // Every lane has a histogram of its own: they are added when the event is complete, and saturate alike.
    histogram_word_t bins[LANES][BINS];
#pragma HLS ARRAY_PARTITION variable=bins complete dim=1
#pragma HLS ARRAY_PARTITION variable=bins cyclic factor=BINS_PER_CLOCK dim=2
    bool used[LANES][BINS]; // a bin that is not yet used counts as 0: no clock is lost in clearing
#pragma HLS ARRAY_PARTITION variable=used complete dim=0
    bin_t last_bin[LANES];
#pragma HLS ARRAY_PARTITION variable=last_bin complete
    histogram_word_t last_word[LANES];
#pragma HLS ARRAY_PARTITION variable=last_word complete
    occupancy_t tracks;
#pragma HLS ARRAY_PARTITION variable=tracks.count complete
    bool full = false;

clear:
    for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
        tracks.count[lane] = 0;
        for (unsigned bin = 0; bin < BINS; bin++) {
#pragma HLS UNROLL
            used[lane][bin] = false;
        }
    }

    bool last = false;
take:
    while (!last) {
#pragma HLS LOOP_TRIPCOUNT min=1 max=TRACKS_PER_LANE
#pragma HLS PIPELINE II=1
// A word is read at the earliest two clocks after it was written: before that, it comes from last_word.
#pragma HLS DEPENDENCE variable=bins type=inter direction=RAW distance=2 dependent=true
        const clock_in_t clock = in.read();
        accepted_t taken = 0;
        for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
            const bool is_track = clock.valid[lane] && clock.word[lane][VALID_BIT];
            const bool fits = tracks.count[lane] < TRACKS_PER_LANE;
            if (is_track && !fits)
                full = true;
            if (is_track && fits) {
                const kept_track_t track = prepared(clock.word[lane]);
                const bin_t bin = bin_of(track.z0);
                const bool again = tracks.count[lane] > 0 && bin == last_bin[lane];
                histogram_word_t before = 0;
                if (again)
                    before = last_word[lane];
                else if (used[lane][bin])
                    before = bins[lane][bin];
                const histogram_word_t after = saturated(ap_uint<SUM_BITS>(before) + track.weight);
                bins[lane][bin] = after;
                used[lane][bin] = true;
                last_bin[lane] = bin;
                last_word[lane] = after;
                kept[lane].write(track);
                tracks.count[lane]++;
                taken[lane] = true;
            }
        }
        accepted.write(taken);
        last = clock.last;
    }
    occupancy.write(tracks);
    truncated.write(full);

add_lanes:
    for (unsigned row = 0; row < ROWS; row++) {
#pragma HLS PIPELINE II=1
        histogram_row_t sums;
        for (unsigned place = 0; place < BINS_PER_CLOCK; place++) {
#pragma HLS UNROLL
            const unsigned bin = row * BINS_PER_CLOCK + place;
            ap_uint<SUM_BITS> sum = 0;
            for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
                if (used[lane][bin])
                    sum += bins[lane][bin];
            }
            sums.bin[place] = saturated(sum);
        }
        histogram.write(sums);
    }
}

} // namespace @top@_parts
