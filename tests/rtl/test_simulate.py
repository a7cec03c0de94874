"""The bench and its runner on a small pipeline written by hand."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.project.packing import pack, unpack
from firmware.verify.judge import judge_timing
from firmware.verify.schedule import make_schedule
from firmware.verify.simulate import Design, Drive, build, simulate
from firmware.verify.toolchain import ToolFailure

# Two cycles from a and b to their sum, and to b as it is: 2 + 1 clock edges to the one that samples out_valid.
ADDER = """
`timescale 1 ns / 1 ps
module adder(input wire clk, input wire rst, input wire in_valid, input wire [11:0] a, input wire [39:0] b,
             output wire out_valid, output wire [39:0] total, output wire [39:0] same);
    reg [1:0] valid;
    always @(posedge clk) if (rst) valid <= 2'd0; else valid <= {valid[0], in_valid};
    assign out_valid = valid[1];
    reg [11:0] a_q; reg [39:0] b_q, b_qq, total_q;
    always @(posedge clk) begin a_q <= a; b_q <= b; b_qq <= b_q; total_q <= b_q + {28'd0, a_q}; end
    assign total = total_q;
    assign same = b_qq;
endmodule
"""
LATENCY = 2
SIMULATORS = [
    "verilator",
    pytest.param("icarus", marks=pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog")),
]


def design(tmp_path, text=ADDER):
    (tmp_path / "adder.v").write_text(text)
    return Design((tmp_path / "adder.v",), "adder", {"a": 12, "b": 40}, {"total": 40, "same": 40})


def words(events=60):
    rng = np.random.default_rng(1)
    return {"a": rng.integers(0, 1 << 12, (events, 1)), "b": rng.integers(0, 1 << 40, (events, 1))}


def run(tmp_path, simulator, text=ADDER, watch=()):
    table = words()
    schedule = make_schedule(60, 100, ii=1, latency_cycles=LATENCY)
    rows = {"a": pack(table["a"], 12), "b": pack(table["b"], 40)}
    drive = Drive(schedule.valid, schedule.rst, schedule.bus, rows)
    return table, schedule, simulate(design(tmp_path, text), drive, simulator, watch)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_every_event_comes_out_once_in_order_and_on_time(tmp_path, simulator):
    table, schedule, captured = run(tmp_path, simulator)
    timing = judge_timing(schedule, captured.valid_edges, latency_cycles=LATENCY, ii=1)
    assert timing.problems == ()
    assert timing.latency_cycles == LATENCY
    assert captured.unknown == ()
    assert captured.widths == {"a": 12, "b": 40, "total": 40, "same": 40}
    total = unpack(captured.rows["total"], 40, False, (1,))[timing.captured]
    expected = (table["a"] + table["b"])[timing.rows] & ((1 << 40) - 1)
    np.testing.assert_array_equal(total, expected)
    same = unpack(captured.rows["same"], 40, False, (1,))[timing.captured]
    np.testing.assert_array_equal(same, table["b"][timing.rows])


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_registers_can_be_watched(tmp_path, simulator):
    table, schedule, captured = run(tmp_path, simulator, watch=["a_q"])
    assert len(captured.watched) == len(schedule.valid)
    for edge in (5, 40):
        assert int(captured.watched[edge + 1][0], 2) == table["a"][schedule.bus[edge], 0]


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog")
def test_unknown_bits_are_told(tmp_path):
    _, _, captured = run(tmp_path, "icarus", ADDER.replace("assign same = b_qq;", "assign same = {b_qq[39:1], 1'bx};"))
    edge, port, text = captured.unknown[0]
    assert port == "same"
    assert edge == captured.valid_edges[0]
    assert text.endswith("X")


def test_registers_do_not_start_at_zero(tmp_path):
    """A pipeline whose reset does nothing shows what its valid bits start with."""
    text = ADDER.replace("reg [1:0] valid;", "reg [1:0] valid; reg [15:0] noise; always @(posedge clk) noise <= noise;")
    text = text.replace("assign out_valid = valid[1];", "assign out_valid = valid[1] ^ |noise;")
    _, schedule, captured = run(tmp_path, "verilator", text)
    assert judge_timing(schedule, captured.valid_edges, latency_cycles=LATENCY, ii=1).problems


def test_a_design_is_compiled_once(tmp_path):
    first = build(design(tmp_path), "verilator")
    assert build(design(tmp_path), "verilator") == first
    assert build(design(tmp_path, ADDER + "\n"), "verilator") != first
    assert [path.name for path in first.iterdir()] == ["adder"]


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_what_does_not_compile_is_told(tmp_path, simulator):
    with pytest.raises(ToolFailure, match=r"adder\.v"):
        build(design(tmp_path, ADDER.replace("assign total", "asign total")), simulator)


def test_a_missing_port_is_told(tmp_path):
    with pytest.raises(ToolFailure):
        run(tmp_path, "verilator", ADDER.replace("output wire [39:0] same", "output wire [39:0] sane"))


def test_an_unknown_simulator_is_refused(tmp_path):
    with pytest.raises(UserError, match="simulator must be one of verilator, icarus, not 'vcs'"):
        build(design(tmp_path), "vcs")


@pytest.mark.parametrize(("simulator", "program"), [("verilator", r"g\+\+"), ("icarus", "vvp")])
def test_missing_programs_are_named_with_a_remedy(tmp_path, monkeypatch, simulator, program):
    from firmware.verify.run import _check_request

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=rf"needs the program {program}.*apt-get install"):
        _check_request(["rtl_vs_emulator"], simulator, 10, 10)
