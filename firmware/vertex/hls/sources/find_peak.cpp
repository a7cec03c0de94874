// The vertex: the bin of the largest word; of equal ones that nearest the middle; of two as near the lower one.

#include "finder_stages.h"

namespace @top@_parts {

namespace {

struct candidate_t {
    pattern_t value;
    bin_t bin;
};

// Bins from the middle: 0 for the two bins beside it.
bin_t from_middle(const bin_t &bin) {
#pragma HLS INLINE
    bin_t lower_bits = bin;
    lower_bits[BIN_BITS - 1] = false;
    bin_t distance = bin[BIN_BITS - 1] ? lower_bits : bin_t(~lower_bits);
    distance[BIN_BITS - 1] = false;
    return distance;
}

candidate_t winner(const candidate_t &a, const candidate_t &b) {
#pragma HLS INLINE
    if (a.value != b.value)
        return a.value > b.value ? a : b;
    const bin_t from_a = from_middle(a.bin), from_b = from_middle(b.bin);
    if (from_a != from_b)
        return from_a < from_b ? a : b;
    return a.bin < b.bin ? a : b;
}

} // namespace

void find_peak(hls::stream<pattern_row_t> &pattern, hls::stream<bool> &truncated, hls::stream<vertex_t> &vertex_out,
               hls::stream<vertex_t> &vertex) {
    candidate_t best;

rows:
    for (unsigned row = 0; row < ROWS; row++) {
#pragma HLS PIPELINE II=1
        const pattern_row_t words = pattern.read();
        candidate_t tree[BINS_PER_CLOCK];
#pragma HLS ARRAY_PARTITION variable=tree complete
        for (unsigned place = 0; place < BINS_PER_CLOCK; place++) {
#pragma HLS UNROLL
            tree[place].value = words.bin[place];
            tree[place].bin = row * BINS_PER_CLOCK + place;
        }
        for (unsigned width = BINS_PER_CLOCK / 2; width > 0; width /= 2) {
#pragma HLS UNROLL
            for (unsigned pair = 0; pair < width; pair++) {
#pragma HLS UNROLL
                tree[pair] = winner(tree[2 * pair], tree[2 * pair + 1]);
            }
        }
        best = row == 0 ? tree[0] : winner(best, tree[0]);
    }

    vertex_t found;
    found.bin = best.bin;
    // The centre of the bin, as z0 counts: its upper bits with the sign bit turned, then the middle of what is left.
    found.z0 = (ap_int<Z0_BITS + 1>(best.bin) << BIN_SHIFT) + HALF_BIN - (1 << (Z0_BITS - 1));
    found.peak = best.value.range(PATTERN_BITS - 1, 0);
    found.truncated = truncated.read();
    vertex_out.write(found);
    vertex.write(found);
}

} // namespace @top@_parts
