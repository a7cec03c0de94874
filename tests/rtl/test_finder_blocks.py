"""Each of the finder's own Verilog blocks under cocotb, against its model; each bench finds planted faults."""

from __future__ import annotations

import numpy as np
import pytest
from finder_bench import run_block, with_rst

from firmware.vertex.rtl import models
from firmware.vertex.rtl.write import BLOCKS

FAULTS: dict[str, list[tuple[str, str]]] = {
    "track_counter": [
        ("in_valid & ~full", "in_valid"),
        ("if (rst | in_last)", "if (rst)"),
        ("count == TRACKS[", "count + 1'b1 == TRACKS["),
    ],
    "histogram_lane": [
        ("exact[WIDTH-1:0] | {WIDTH{|exact[SUM_WIDTH-1:WIDTH]}}", "exact[WIDTH-1:0]"),
        ("add_same_bin ? last_sum : add_bin", "add_bin"),
        ("add_first    <= ~touched[fill_row] & ~same_row", "add_first    <= ~touched[fill_row]"),
        ("if (add_valid & (mine | add_first))", "if (add_valid & mine)"),
        ("if (in_last & half)  touched[ROWS-1:0]      <= {ROWS{1'b0}};", ""),
        ("wire [ROW_BITS:0]   read_row = {~half, row};", "wire [ROW_BITS:0]   read_row = {~half, row} + 1'b1;"),
        ("wire [ROW_BITS:0]   read_row = {~half, row};", "wire [ROW_BITS:0]   read_row = {half, row};"),
        ("if (rst) touched <=", "if (1'b0) touched <="),
        ("same_row & (add_bank == in_bank)", "same_row"),
    ],
    "histogram_merge": [
        ("{WIDTH{|exact[FULL-1:WIDTH]}}", "{WIDTH{1'b0}}"),
        ("n * ARITY + i < left(k - 1)", "n * ARITY + i < left(k - 1) - 1"),
    ],
    "row_window": [
        ("{(SIDE*WIDTH){~last}}", "{(SIDE*WIDTH){1'b1}}"),
        ("{(SIDE*WIDTH){~first}}", "{(SIDE*WIDTH){1'b1}}"),
        ("row[WORDS*WIDTH-1 -: SIDE*WIDTH]", "row[SIDE*WIDTH-1:0]"),
    ],
    "argmax": [
        ("{high, below} > {low, 1'b0}", "high > low"),
        ("{high, below} > {low, 1'b0}", "high >= low"),
        ("row_key > best_key", "row_key >= best_key"),
        ("(BIN_BITS - 1){row_above}}}", "(BIN_BITS - 1){1'b0}}}"),
        ("row_key > best_key", "row_word > best_word"),
        ("row_key > best_key", "row_word >= best_word"),
        ("row == {ROW_BITS{1'b0}} || ", ""),
        ("localparam [WIDTH-1:0] TURNED = SIGNED ?", "localparam [WIDTH-1:0] TURNED = !SIGNED ?"),
    ],
    "track_buffer": [
        ("read_index < counts[read_slot]", "read_index <= counts[read_slot]"),
        ("tracks[{read_slot, read_index[INDEX_BITS-1:0]}]", "tracks[{~read_slot, read_index[INDEX_BITS-1:0]}]"),
        ("if (close) counts[close_slot]", "if (close) counts[0]"),
    ],
    "distance": [
        ("above[Z0_WIDTH] ? below :", "above[Z0_WIDTH] ? ~above[Z0_WIDTH-1:0] :"),
        ("scaled[WIDTH-1:0] | {WIDTH{|scaled[Z0_WIDTH-SHIFT-1:WIDTH]}}", "scaled[WIDTH-1:0]"),
        ("above <= {z0[Z0_WIDTH-1], z0} - {vertex[Z0_WIDTH-1], vertex}", "above <= {1'b0, z0} - {1'b0, vertex}"),
    ],
    "delay": [("assign out = words[CYCLES*WIDTH-1 -: WIDTH]", "assign out = words[WIDTH-1:0]")],
    "event_control": [
        ("{WAIT_BITS{1'b0}};\n        else if (last)", "{WAIT_BITS{1'b0}};\n        else if (last & ~error & 1'b0)"),
        ("localparam WAIT       = II - 1", "localparam WAIT       = II - 2"),
        ("localparam LAST_SLOT  = SLOTS - 1", "localparam LAST_SLOT  = SLOTS - 2"),
        ("any_dropped | dropped;", "any_dropped;"),
        ("any_dropped  <= ~rst & ~closing & (any_dropped | dropped)", "any_dropped  <= ~rst & (any_dropped | dropped)"),
        ("error <= ~rst & stop", "error <= ~rst & too_early"),
        ("read_z0     <= replay_z0", "read_z0     <= found_z0"),
        ("truncated    <= truncated_events[read_slot_next]", "truncated    <= truncated_events[write_slot]"),
        ("read_enable & at_end};", "read_enable & read_index == TRACKS - 2};"),
    ],
}  # fmt: skip


def bench_track_counter(folder, fault=None, tracks=5):
    rng = np.random.default_rng(1)
    edges, bits = 400, (tracks).bit_length()
    rst, valid = with_rst(edges, 150, 151), rng.random(edges) < 0.7
    last = rng.random(edges) < 0.1
    model = models.TrackCounter(tracks)
    expected = [model.clock(bool(r), bool(v), bool(e)) for r, v, e in zip(rst, valid, last, strict=True)]
    outputs = {"accept": (1, 1, False), "drop": (1, 1, False), "index": (1, bits, False), "total": (1, bits, False)}
    edge, got, problems = run_block(
        folder, "track_counter", {"TRACKS": tracks}, {"rst": (rst, 1), "in_valid": (valid, 1), "in_last": (last, 1)},
        outputs, fault=fault,
    )  # fmt: skip
    wrong = [
        f"{port} at {e}"
        for column, port in enumerate(outputs)
        for e, value in zip(edge, got[port][:, 0], strict=True)
        if value != expected[e][column]
    ]
    return wrong + problems


def bench_histogram_lane(folder, fault=None, bins=32, words=8, width=6, weight=5):
    """Events at the shortest distance and longer, empty ones, same bins in a row, two resets amid tracks."""
    rng = np.random.default_rng(2)
    rows, rst_at = bins // words, [0]
    valid, bin_, last = [0], [0], [0]
    events = []  # (edge of in_last, tracks) of events that no reset cuts
    for number in range(60):
        length = rows + 1 + int(rng.integers(0, 12) if number % 3 else 0)
        # Few bins, so that tracks often meet; or one row, or all bins.
        choice = (
            rng.integers(0, bins, (3, bins)[number % 2]) if number % 5 else np.arange(words) + words * (number % rows)
        )
        here = (rng.random(length) < (0.9, 0.5, 0.0)[min(number % 7, 2)]).astype(int)
        event_bins = rng.choice(choice, length)
        first = len(valid)
        cut = number in (25, 40)
        valid += here.tolist()
        bin_ += event_bins.tolist()
        last += [0] * length if cut else [0] * (length - 1) + [1]
        events.append((first, len(valid) - 1, cut))
        if cut:
            rst_at.append(len(valid))
            valid, bin_, last = [*valid, 1], [*bin_, 3], [*last, 1]
    drain = rows + 6
    valid, bin_, last = (np.array([*x, *[0] * drain]) for x in (valid, bin_, last))
    weights = rng.integers(0, 1 << weight, len(valid))
    expected = {}
    for first, end, cut in events:
        if cut or any(end < edge <= end + 1 + rows + 2 for edge in rst_at[1:]):
            continue
        chosen = [(int(bin_[e]), int(weights[e])) for e in range(first, end + 1) if valid[e]]
        values = models.histogram(chosen, bins, (1 << width) - 1)
        for row in range(rows):
            expected[end + 3 + row] = (values[row * words : (row + 1) * words], row == 0, row == rows - 1)
    edge, got, problems = run_block(
        folder, "histogram_lane", {"BINS": bins, "BINS_PER_CLOCK": words, "WIDTH": width, "WEIGHT_WIDTH": weight},
        {"rst": (with_rst(len(valid), *rst_at[1:]), 1), "in_valid": (valid, 1), "in_bin": (bin_, bins.bit_length() - 1),
         "in_weight": (weights, weight), "in_last": (last, 1)},
        {"out_row": (words, width, False), "out_first": (1, 1, False), "out_last": (1, 1, False)},
        when="out_valid", fault=fault,
    )  # fmt: skip
    seen = {
        int(e): (row.tolist(), bool(first), bool(end))
        for e, row, first, end in zip(edge, got["out_row"], got["out_first"][:, 0], got["out_last"][:, 0], strict=True)
    }
    # An event that a reset cuts while it is read has given some rows already.
    cut_rows = [e for e in seen if any(end + 3 <= e < end + 3 + rows for _, end, cut in events if not cut)]
    wrong = [f"row at {e}" for e in expected if seen.get(e) != expected[e]]
    wrong += [f"stray row at {e}" for e in seen if e not in expected and e not in cut_rows]
    return wrong + problems


def bench_histogram_merge(folder, fault=None, lanes=5, words=4, width=5, arity=3):
    rng = np.random.default_rng(3)
    edges, levels = 120, 1
    while arity**levels < lanes:
        levels += 1
    high = (1 << width) - 1
    rows = rng.integers(0, high + 1, (edges, lanes, words)) * (rng.random((edges, lanes, words)) < 0.5)
    rows[10:14], rows[14:18] = high, 0
    flags = (rng.random((3, edges)) < 0.5).astype(np.int64)
    edge, got, problems = run_block(
        folder, "histogram_merge", {"LANES": lanes, "WORDS": words, "WIDTH": width, "ARITY": arity},
        {"rst": (with_rst(edges), 1), "in_valid": (flags[0], 1), "in_first": (flags[1], 1), "in_last": (flags[2], 1),
         "in_rows": (rows.reshape(edges, -1), width)},
        {"out_row": (words, width, False), "out_first": (1, 1, False), "out_last": (1, 1, False)},
        when="out_valid", fault=fault,
    )  # fmt: skip
    sent = np.flatnonzero(flags[0])
    sent = sent[(sent > 0) & (sent + levels < edges)]
    wrong = [] if edge.tolist() == (sent + levels).tolist() else ["latency"]
    for e, row, first, last in zip(edge, got["out_row"], got["out_first"], got["out_last"], strict=True):
        expected = models.merged(rows[e - levels].tolist(), high)
        if row.tolist() != expected or (first, last) != (flags[1][e - levels], flags[2][e - levels]):
            wrong.append(f"row at {e}")
    return wrong + problems


def bench_row_window(folder, fault=None, words=4, width=3, side=2):
    """Events of three rows, some right behind each other."""
    rng = np.random.default_rng(4)
    rows, sent, gaps = 3, [], rng.integers(0, 3, 40) * (rng.random(40) < 0.5)
    edges = 2 + int((rows + gaps).sum()) + 4
    valid, first, last = (np.zeros(edges, np.int64) for _ in range(3))
    data = rng.integers(0, 1 << width, (edges, words))
    at, expected = 2, {}
    for gap in gaps:
        valid[at : at + rows], first[at], last[at + rows - 1] = 1, 1, 1
        window = models.windows(data[at : at + rows].reshape(-1).tolist(), words, side)
        expected |= {at + row + 1: window[row] for row in range(rows)}
        at += rows + int(gap)
        sent.append(at)
    edge, got, problems = run_block(
        folder, "row_window", {"WORDS": words, "WIDTH": width, "SIDE": side},
        {"rst": (with_rst(edges), 1), "in_valid": (valid, 1), "in_first": (first, 1), "in_last": (last, 1),
         "in_row": (data, width)},
        {"out_window": (words + 2 * side, width, False)}, when="out_valid", fault=fault,
    )  # fmt: skip
    seen = {int(e): row.tolist() for e, row in zip(edge, got["out_window"], strict=True)}
    return ([] if seen == expected else ["windows differ"]) + problems


def bench_argmax(folder, fault=None, rows=4, words=8, width=4, signed=1):
    """Few different values, so that ties are common; every pair of bins tied at least once; gaps between rows."""
    rng = np.random.default_rng(5)
    bins, levels = rows * words, words.bit_length() - 1
    low = -(1 << (width - 1)) if signed else 0
    high = low + (1 << width) - 1
    events = [rng.integers(low, high + 1, bins) for _ in range(40)] + [
        rng.choice([low, 0, high], bins) for _ in range(40)
    ]
    for a in range(bins):
        for b in rng.choice(bins, 3, replace=False):
            event = rng.integers(low, 0 if signed else high, bins)
            event[[a, b]] = high
            events.append(event)
    data, valid, ends = [np.zeros((2, words), np.int64)], [0, 0], []
    for number, event in enumerate(events):
        for row in event.reshape(rows, words):
            for _ in range(int(number % 4 == 3 and rng.integers(0, 3))):
                data.append(rng.integers(low, high + 1, (1, words)))
                valid.append(0)
            data.append(row[None])
            valid.append(1)
        ends.append(len(valid) - 1)
    data.append(np.zeros((levels + 4, words), np.int64))
    valid += [0] * (levels + 4)
    edge, got, problems = run_block(
        folder, "argmax", {"ROWS": rows, "WORDS": words, "WIDTH": width, "SIGNED": signed},
        {"rst": (with_rst(len(valid)), 1), "in_valid": (valid, 1), "in_row": (np.concatenate(data), width)},
        {"out_bin": (1, bins.bit_length() - 1, False), "out_peak": (1, width, bool(signed))},
        when="out_valid", fault=fault,
    )  # fmt: skip
    expected = [models.best_bin(event.tolist()) for event in events]
    seen = list(zip(got["out_bin"][:, 0].tolist(), got["out_peak"][:, 0].tolist(), strict=True))
    wrong = [] if edge.tolist() == [end + levels + 1 for end in ends] else ["latency"]
    return (wrong + ([] if seen == expected else ["bins differ"])) + problems


def bench_track_buffer(folder, fault=None, slots=3, tracks=5, width=7):
    rng = np.random.default_rng(6)
    index_bits, slot_bits, model = tracks.bit_length(), (slots - 1).bit_length(), models.TrackBuffer()
    lines, expected = [], {}
    edge = 1
    for number in range(40):
        slot, count = number % slots, int(rng.integers(0, tracks + 1))
        for index in range(count):
            word = int(rng.integers(0, 1 << width))
            model.write(slot, index, word)
            lines.append({"write_enable": 1, "write_slot": slot, "write_index": index, "write_data": word})
        lines.append({"close": 1, "close_slot": slot, "close_count": count})
        model.close(slot, count)
        for read in range(max(0, number - slots + 1), number + 1):
            for index in range(tracks):
                word = model.read(read % slots, index)
                if word is not None:
                    expected[edge + len(lines) + 1] = word
                lines.append({"read_enable": 1, "read_slot": read % slots, "read_index": index})
    lines += [{}] * 3
    bits = {"write_enable": 1, "write_slot": slot_bits, "write_index": index_bits, "write_data": width, "close": 1,
            "close_slot": slot_bits, "close_count": index_bits, "read_enable": 1, "read_slot": slot_bits,
            "read_index": index_bits}  # fmt: skip
    inputs = {port: ([0, *(line.get(port, 0) for line in lines)], count) for port, count in bits.items()}
    seen_edges, got, problems = run_block(
        folder, "track_buffer", {"SLOTS": slots, "TRACKS": tracks, "WIDTH": width},
        {"rst": (with_rst(len(lines) + 1), 1), **inputs}, {"out_data": (1, width, False)}, when="out_valid",
        fault=fault,
    )  # fmt: skip
    seen = dict(zip(seen_edges.tolist(), got["out_data"][:, 0].tolist(), strict=True))
    return ([] if seen == expected else ["tracks differ"]) + problems


def bench_distance(folder, fault=None, z0_width=5, shift=1, width=3):
    low = -(1 << (z0_width - 1))
    if z0_width <= 5:
        pairs = np.array([(z0, vertex) for z0 in range(low, -low) for vertex in range(low, -low)])
    else:
        corners = [(low, -low - 1), (-low - 1, low), (low, low), (0, -1), (-1, 0)]
        pairs = np.concatenate([corners, np.random.default_rng(7).integers(low, -low, (500, 2))])
    edge, got, problems = run_block(
        folder, "distance", {"Z0_WIDTH": z0_width, "SHIFT": shift, "WIDTH": width},
        {"z0": (pairs[:, 0], z0_width), "vertex": (pairs[:, 1], z0_width)}, {"out": (1, width, False)}, fault=fault,
        since=1,
    )  # fmt: skip
    expected = [models.distance(int(z0), int(vertex), shift, (1 << width) - 1) for z0, vertex in pairs]
    wrong = [int(e) for e, value in zip(edge, got["out"][:, 0], strict=True) if value != expected[e - 1]]
    return ([f"distance at {wrong[0]}"] if wrong else []) + problems


def bench_delay(folder, fault=None, width=5, cycles=4):
    rng = np.random.default_rng(8)
    data = rng.integers(0, 1 << width, 80)
    edge, got, problems = run_block(
        folder, "delay", {"WIDTH": width, "CYCLES": cycles}, {"in": (data, width)}, {"out": (1, width, False)},
        fault=fault, since=cycles,
    )  # fmt: skip
    wrong = [int(e) for e, value in zip(edge, got["out"][:, 0], strict=True) if value != data[e - cycles]]
    return ([f"word at {wrong[0]}"] if wrong else []) + problems


def bench_event_control(folder, fault=None, slots=3, tracks=4, ii=6, histogram_delay=3, replay_delay=2):
    """Events at the shortest distance and longer; vertices a fixed time behind; a reset; then two ends too close."""
    rng = np.random.default_rng(9)
    z0_width, latency = 5, 2 * ii - 3
    slot_bits, index_bits = (slots - 1).bit_length(), tracks.bit_length()
    model = models.EventControl(slots, tracks, ii, histogram_delay, replay_delay)
    edge, ends, spans = 2, [], []
    for number in range(30):
        length = ii + (int(rng.integers(0, 5)) if number % 3 == 2 else 0)
        spans.append((edge, edge + length - 1))
        edge += length
        ends.append(edge - 1)
    edges = edge + latency + tracks + ii + 12
    too_close = edge + latency + tracks + 5
    ends.append(too_close)
    ends.append(too_close + ii - 1)
    last, found, dropped = (np.zeros(edges, np.int64) for _ in range(3))
    found_z0 = rng.integers(0, 1 << z0_width, edges)
    last[ends] = 1
    write_slot = np.zeros(edges, np.int64)
    truncated = {}
    for number, end in enumerate(ends):
        model.end(end)
        write_slot[end + 2 :] = model.write_slot
        if end < too_close:
            found[end + latency] = 1
            begin, _ = spans[number]
            at = rng.integers(begin, end + 1) + 2
            here = number % 3 == 1 or number == 0
            # The lanes' word comes two clocks behind the track: up to one behind last.
            dropped[at if number % 2 else end + 2] |= int(here)
            truncated[end + latency] = int(here)
    for end in ends[:-2]:
        model.found(end + latency)
    outputs = {
        "write_slot": (1, slot_bits, False), "histogram_last": (1, 1, False), "read_enable": (1, 1, False),
        "read_slot": (1, slot_bits, False), "read_index": (1, index_bits, False), "read_z0": (1, z0_width, False),
        "track_last": (1, 1, False), "error": (1, 1, False), "stop": (1, 1, False), "truncated": (1, 1, False),
    }  # fmt: skip
    seen_edges, got, problems = run_block(
        folder, "event_control",
        {"SLOTS": slots, "TRACKS": tracks, "II": ii, "Z0_WIDTH": z0_width, "HISTOGRAM_DELAY": histogram_delay,
         "REPLAY_DELAY": replay_delay},
        {"rst": (with_rst(edges), 1), "in_last": (last, 1), "dropped": (dropped, 1), "found": (found, 1),
         "found_z0": (found_z0, z0_width)}, outputs, fault=fault,
    )  # fmt: skip
    value = {port: dict(zip(seen_edges.tolist(), words[:, 0].tolist(), strict=True)) for port, words in got.items()}

    def high(port):
        return [int(e) for e in seen_edges if value[port][int(e)]]

    wrong = [f"write_slot at {e}" for e in seen_edges if value["write_slot"][int(e)] != write_slot[e]]
    wrong += ["histogram_last"] * (high("histogram_last") != [e for e in model.histogram_last if e < edges])
    wrong += ["read_enable"] * (high("read_enable") != [e for e, _, _ in model.replays])
    wrong += [f"replay at {e}" for e, slot, index in model.replays
              if (value["read_slot"][e], value["read_index"][e]) != (slot, index)]  # fmt: skip
    wrong += [f"read_z0 at {e}" for e, _, index in model.replays if value["read_z0"][e + 1] != found_z0[e - 1 - index]]
    wrong += ["track_last"] * (high("track_last") != model.track_last)
    wrong += ["error"] * (high("error") != list(range(model.error_from, edges)))
    wrong += ["stop"] * (high("stop") != list(range(model.error_from - 1, edges)))
    wrong += [f"truncated at {e}" for e, here in truncated.items() if value["truncated"][e] != here]
    return wrong + [text for text in problems if "read_" not in text and "truncated" not in text]


BENCHES = {name.removeprefix("bench_"): bench for name, bench in list(globals().items()) if name.startswith("bench_")}
SHAPES = [
    ("track_counter", {}), ("track_counter", {"tracks": 1}), ("track_counter", {"tracks": 32}),
    ("histogram_lane", {}), ("histogram_lane", {"bins": 16, "words": 4, "width": 4, "weight": 7}),
    ("histogram_lane", {"bins": 64, "words": 32, "width": 12, "weight": 8}),
    ("histogram_merge", {}), ("histogram_merge", {"lanes": 18, "arity": 3}), ("histogram_merge", {"lanes": 1}),
    ("histogram_merge", {"lanes": 7, "arity": 2}),
    ("row_window", {}), ("row_window", {"side": 0}), ("row_window", {"side": 4}),
    ("argmax", {}), ("argmax", {"signed": 0}), ("argmax", {"rows": 2, "words": 4, "width": 9}),
    ("track_buffer", {}), ("track_buffer", {"slots": 2, "tracks": 1}), ("track_buffer", {"slots": 4, "tracks": 8}),
    ("distance", {}), ("distance", {"shift": 0, "width": 5}), ("distance", {"z0_width": 12, "shift": 0, "width": 8}),
    ("delay", {}), ("delay", {"cycles": 1}),
    ("event_control", {}), ("event_control", {"slots": 2, "tracks": 5, "ii": 5}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=lambda value: str(value))
def test_block_does_what_its_model_does(tmp_path, name, shape):
    assert BENCHES[name](tmp_path, **shape) == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [(name, fault) for name, faults in FAULTS.items() for fault in faults],
    ids=lambda value: str(value)[:40],
)
def test_bench_finds_planted_fault(tmp_path, name, fault):
    assert BENCHES[name](tmp_path, fault=fault)


def test_every_block_has_a_bench_and_a_planted_fault():
    assert set(BENCHES) == set(FAULTS) == set(BLOCKS)
