// The pattern network over the histogram, a row of bins a clock, with zeros beyond both ends.

#include "finder_networks.h"
#include "finder_stages.h"

namespace @top@_parts {

void convolve(hls::stream<histogram_row_t> &histogram, hls::stream<pattern_row_t> &pattern) {
    const unsigned REACH = KERNEL_SIZE / 2;
    histogram_row_t previous, current, next;
#pragma HLS ARRAY_PARTITION variable=previous.bin complete
#pragma HLS ARRAY_PARTITION variable=current.bin complete
#pragma HLS ARRAY_PARTITION variable=next.bin complete
    for (unsigned place = 0; place < BINS_PER_CLOCK; place++) {
#pragma HLS UNROLL
        current.bin[place] = 0;
    }

rows:
    for (unsigned row = 0; row <= ROWS; row++) {
#pragma HLS PIPELINE II=1
        if (row < ROWS) {
            next = histogram.read();
        } else {
            for (unsigned place = 0; place < BINS_PER_CLOCK; place++) {
#pragma HLS UNROLL
                next.bin[place] = 0;
            }
        }
        if (row > 0) {
            histogram_word_t window[WINDOW];
#pragma HLS ARRAY_PARTITION variable=window complete
            for (unsigned place = 0; place < WINDOW; place++) {
#pragma HLS UNROLL
                if (place < REACH)
                    window[place] = previous.bin[BINS_PER_CLOCK + place - REACH];
                else if (place < REACH + BINS_PER_CLOCK)
                    window[place] = current.bin[place - REACH];
                else
                    window[place] = next.bin[place - REACH - BINS_PER_CLOCK];
            }
            pattern_row_t result;
            pattern_of(window, result.bin);
            pattern.write(result);
        }
        previous = current;
        current = next;
    }
}

} // namespace @top@_parts
