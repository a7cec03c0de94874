// Between Python and the finder: a loop over events. All sources are one translation unit, so that they are optimised
// together and nothing but the two functions below can be seen from outside.

@includes@
#include "finder_driver.h"

#include <thread>

using namespace @top@_parts;

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

struct Arguments {
    const int64_t *start, *lane;
    const uint32_t *words;
    int64_t threshold;
    int64_t *bin, *z0, *peak, *weight, *association;
    uint8_t *truncated, *kept, *associated;
    int64_t *histogram, *pattern; // both or neither
};

void run(const Arguments &a, size_t first, size_t last) {
    Driver driver;
    const association_word_t threshold = a.threshold;
    for (size_t event = first; event < last; event++) {
        const size_t begin = a.start[event], tracks = a.start[event + 1] - begin;
        const int64_t *lanes = a.lane + begin;
        const uint32_t *words = a.words + begin * WORDS;
        const vertex_t vertex = a.histogram ? driver.run_blocks(tracks, lanes, words, threshold,
                                                                a.histogram + event * BINS, a.pattern + event * BINS)
                                            : driver.run(tracks, lanes, words, threshold);
        a.bin[event] = vertex.bin.to_int64();
        a.z0[event] = vertex.z0.to_int64();
        a.peak[event] = vertex.peak.to_int64();
        a.truncated[event] = vertex.truncated;
        for (size_t i = 0; i < tracks; i++) {
            const host_track_t &track = driver.tracks()[i];
            a.kept[begin + i] = track.kept;
            a.weight[begin + i] = track.weight;
            a.association[begin + i] = track.association;
            a.associated[begin + i] = track.associated;
        }
    }
}

} // namespace

// Lanes, words of 32 bits in a track word, bins, bits and sign of the association word.
EXPORT void finder_describe(int64_t *out) {
    association_word_t ones = 0;
    ones.range(ASSOCIATION_BITS - 1, 0) = ~ap_uint<ASSOCIATION_BITS>(0);
    out[0] = LANES;
    out[1] = WORDS;
    out[2] = BINS;
    out[3] = ASSOCIATION_BITS;
    out[4] = ones < 0;
}

EXPORT void finder_run(size_t events, size_t threads, const Arguments *arguments) {
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads; i++)
        others.emplace_back(run, *arguments, events * i / threads, events * (i + 1) / threads);
    run(*arguments, 0, events / threads);
    for (auto &other : others)
        other.join();
}
