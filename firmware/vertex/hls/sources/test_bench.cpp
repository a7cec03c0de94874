// Runs the finder on the events of tb_data/events.txt and compares every integer with tb_data/expected.txt.
// Exit code: 0 all equal; 1 a difference, or a file that is missing, cut short or empty.

#include "finder_driver.h"

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

using namespace @top@_parts;

namespace {

const unsigned SHOWN = 10;
const std::string FOLDERS[] = {"tb_data/", "../../../../tb_data/"}; // the second: from where Vitis HLS runs it

bool open(std::ifstream &file, const std::string &name) {
    for (const std::string &folder : FOLDERS) {
        file.open((folder + name).c_str());
        if (file.is_open())
            return true;
        file.clear();
    }
    std::cerr << "ERROR: tb_data/" << name << " cannot be read" << std::endl;
    return false;
}

// Words of 32 bits, lowest first, of hexadecimal digits.
bool read_word(std::istream &line, uint32_t *words) {
    std::string digits;
    if (!(line >> digits) || digits.size() != 8 * WORDS || digits.find_first_not_of("0123456789abcdef") != digits.npos)
        return false;
    for (unsigned part = 0; part < WORDS; part++)
        words[part] = std::stoul(digits.substr(8 * (WORDS - 1 - part), 8), nullptr, 16);
    return true;
}

struct Event {
    long number;
    association_word_t threshold;
    std::vector<int64_t> lanes;
    std::vector<uint32_t> words;
};

// False at the end of the file; `good` is false where the file is not as it should be.
bool read_event(std::istream &file, Event &event, bool &good) {
    std::string key;
    if (!(file >> key))
        return false;
    long tracks = 0, threshold = 0;
    good = key == "event" && file >> event.number >> tracks >> threshold && tracks >= 0;
    event.threshold = threshold;
    event.lanes.assign(good ? tracks : 0, 0);
    event.words.assign(event.lanes.size() * WORDS, 0);
    for (size_t i = 0; good && i < event.lanes.size(); i++)
        good = file >> event.lanes[i] && event.lanes[i] >= 0 && event.lanes[i] < int64_t(LANES) &&
               read_word(file, &event.words[i * WORDS]);
    return good;
}

std::string text(const vertex_t &vertex) {
    std::ostringstream line;
    line << "vertex " << vertex.bin.to_int64() << ' ' << vertex.z0.to_int64() << ' ' << vertex.peak.to_int64() << ' '
         << vertex.truncated;
    return line.str();
}

std::string text(const host_track_t &track) {
    std::ostringstream line;
    line << "track " << track.kept << ' ' << track.weight << ' ' << track.association << ' ' << track.associated;
    return line.str();
}

} // namespace

int main() {
    std::ifstream events, expected;
    if (!open(events, "events.txt") || !open(expected, "expected.txt"))
        return 1;
    Driver driver;
    Event event;
    unsigned long lines = 0, differences = 0, count = 0;
    bool good = true;
    const auto compare = [&](const std::string &got, const std::string &what) {
        std::string wanted;
        if (!std::getline(expected, wanted))
            wanted = "nothing";
        lines++;
        if (got != wanted && ++differences <= SHOWN)
            std::cerr << "ERROR: event " << event.number << ", " << what << ": got '" << got << "', expected '"
                      << wanted << "'" << std::endl;
    };
    while (good && read_event(events, event, good)) {
        compare(text(driver.run(event.lanes.size(), event.lanes.data(), event.words.data(), event.threshold)), "vertex");
        for (size_t i = 0; i < event.lanes.size(); i++)
            compare(text(driver.tracks()[i]), "track " + std::to_string(i));
        count++;
    }
    std::string rest;
    if (!good || count == 0)
        std::cerr << "ERROR: tb_data/events.txt is empty or broken after " << count << " events" << std::endl;
    else if (std::getline(expected, rest))
        std::cerr << "ERROR: tb_data/expected.txt holds more than the " << count << " events" << std::endl;
    else if (differences == 0) {
        std::cout << "PASSED: " << count << " events, " << lines << " lines, 0 differences" << std::endl;
        return 0;
    }
    std::cerr << "FAILED: " << differences << " of " << lines << " lines differ" << std::endl;
    return 1;
}
