#ifndef @TOP@_FINDER_DRIVER_H_
#define @TOP@_FINDER_DRIVER_H_

// The finder called from a program: lists of tracks in, words out. For simulation only; nothing here is synthesised.

#include "firmware/@top@.h"
#include "firmware/finder_stages.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace @top@_parts {

static const unsigned WORDS = (WORD_BITS + 31) / 32; // of 32 bits, in a track word

struct host_track_t {
    bool kept;
    int64_t weight;
    int64_t association;
    bool associated;
};

class Driver {
  public:
    Driver() : in_("in"), accepted_("accepted"), vertex_("vertex"), out_("out") {}

    // Run one event. `words` holds the words of 32 bits of each track, lowest first; results stand in the same order.
    vertex_t run(size_t tracks, const int64_t *lanes, const uint32_t *words, association_word_t threshold) {
        load(tracks, lanes, words);
        @top@(in_, threshold, accepted_, vertex_, out_);
        return collect(tracks, lanes);
    }

    // The same, stage by stage, with the words between the stages.
    vertex_t run_blocks(size_t tracks, const int64_t *lanes, const uint32_t *words, association_word_t threshold,
                        int64_t *histogram_words, int64_t *pattern_words) {
        hls::stream<kept_track_t> kept[LANES];
        hls::stream<occupancy_t> occupancy("occupancy");
        hls::stream<bool> truncated("truncated");
        hls::stream<histogram_row_t> histogram("histogram");
        hls::stream<pattern_row_t> pattern("pattern");
        hls::stream<vertex_t> found("found");
        load(tracks, lanes, words);
        fill_histogram(in_, accepted_, kept, occupancy, truncated, histogram);
        for (unsigned row = 0; row < ROWS; row++) {
            const histogram_row_t bins = histogram.read();
            for (unsigned place = 0; place < BINS_PER_CLOCK; place++)
                histogram_words[row * BINS_PER_CLOCK + place] = bins.bin[place].to_int64();
            histogram.write(bins);
        }
        convolve(histogram, pattern);
        for (unsigned row = 0; row < ROWS; row++) {
            const pattern_row_t bins = pattern.read();
            for (unsigned place = 0; place < BINS_PER_CLOCK; place++) {
                pattern_word_t word = 0;
                word.range(PATTERN_BITS - 1, 0) = bins.bin[place].range(PATTERN_BITS - 1, 0);
                pattern_words[row * BINS_PER_CLOCK + place] = word.to_int64();
            }
            pattern.write(bins);
        }
        find_peak(pattern, truncated, vertex_, found);
        associate(found, occupancy, kept, threshold, out_);
        return collect(tracks, lanes);
    }

    const std::vector<host_track_t> &tracks() const { return results_; }

  private:
    hls::stream<clock_in_t> in_;
    hls::stream<accepted_t> accepted_;
    hls::stream<vertex_t> vertex_;
    hls::stream<clock_out_t> out_;
    std::vector<clock_in_t> clocks_;
    std::vector<host_track_t> results_;

    // The next word of every lane enters in each clock.
    void load(size_t tracks, const int64_t *lanes, const uint32_t *words) {
        clocks_.clear();
        unsigned used[LANES] = {};
        for (size_t i = 0; i < tracks; i++) {
            const unsigned lane = lanes[i], clock = used[lane]++;
            if (clock >= clocks_.size())
                add_clock();
            track_word_t word = 0;
            for (unsigned part = WORDS; part-- > 0;)
                word = (part + 1 < WORDS ? track_word_t(word << 32) : track_word_t(0)) | track_word_t(words[i * WORDS + part]);
            clocks_[clock].word[lane] = word;
            clocks_[clock].valid[lane] = true;
        }
        if (clocks_.empty())
            add_clock();
        clocks_.back().last = true;
        for (size_t clock = 0; clock < clocks_.size(); clock++)
            in_.write(clocks_[clock]);
    }

    void add_clock() {
        clocks_.push_back(clock_in_t());
        clocks_.back().valid = 0;
        clocks_.back().last = false;
    }

    vertex_t collect(size_t tracks, const int64_t *lanes) {
        std::vector<accepted_t> accepted;
        while (!accepted_.empty())
            accepted.push_back(accepted_.read());
        std::vector<host_track_t> replayed[LANES];
        for (bool last = false; !last;) {
            const clock_out_t clock = out_.read();
            for (unsigned lane = 0; lane < LANES; lane++) {
                if (clock.valid[lane]) {
                    const track_result_t &track = clock.track[lane];
                    const host_track_t result = {true, track.weight.to_int64(), track.association.to_int64(),
                                                 track.associated};
                    replayed[lane].push_back(result);
                }
            }
            last = clock.last;
        }
        const host_track_t dropped = {false, 0, 0, false};
        results_.assign(tracks, dropped);
        unsigned used[LANES] = {}, returned[LANES] = {};
        for (size_t i = 0; i < tracks; i++) {
            const unsigned lane = lanes[i], clock = used[lane]++;
            if (clock < accepted.size() && accepted[clock][lane] && returned[lane] < replayed[lane].size())
                results_[i] = replayed[lane][returned[lane]++];
        }
        return vertex_.read();
    }
};

} // namespace @top@_parts

#endif
