"""The Verilog folder: complete, accepted by Verilator's linter, the same every time."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from firmware.adder_graph import trace_network
from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense, Input, Relu
from firmware.network.network import Network
from firmware.network.random_networks import random_network
from firmware.rtl import RtlInfo, write_rtl
from firmware.rtl.names import distinct_names, verilog_name
from firmware.settings import FirmwareSettings
from firmware.verify.toolchain import verilator

SETTINGS = FirmwareSettings()


def named(network_name: str = "net", input_name: str = "x", output_name: str = "dense") -> Network:
    layers = (
        Input(name=input_name, shape=(3,), format=FixedPoint(5, 0, True)),
        Dense(
            name=output_name, source=input_name, units=2, kernel_format=FixedPoint(5, 1, True),
            kernel=np.array([[3, -7], [0, 5], [0, 0]]),
        ),
    )  # fmt: skip
    return Network(network_name, layers, (output_name,))


def lint(folder: Path, info: RtlInfo) -> str:
    program, environment = verilator()
    done = subprocess.run(
        [program, "--lint-only", "-Wall", "--top-module", info.top, *info.sources],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True,
    )  # fmt: skip
    return done.stderr if done.returncode == 0 else f"failed: {done.stderr}"


@pytest.mark.parametrize("seed", range(10))
def test_random_networks_lint_without_a_word(tmp_path: Path, seed: int) -> None:
    topology = ("mlp", "objects", "conv1d", "heads", "constant")[seed % 5]
    network = random_network(72 + seed, topology, min_bits=3, max_bits=8)
    info = write_rtl(trace_network(network, fast=True, stage_ns=2.5), tmp_path, SETTINGS)
    assert lint(tmp_path, info) == ""


def test_a_broken_source_fails_the_linter(tmp_path: Path) -> None:
    info = write_rtl(trace_network(named()), tmp_path, SETTINGS)
    top = tmp_path / f"{info.top}.v"
    top.write_text(top.read_text().replace("stage0_q", "stage0_r", 1))
    assert "stage0" in lint(tmp_path, info)


def test_the_same_program_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_rtl(trace_network(named()), tmp_path / name, SETTINGS)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path / "b") for path in (tmp_path / "b").rglob("*") if path.is_file())
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_tables_describe_ports_and_registers(tmp_path: Path) -> None:
    program = trace_network(named())
    info = write_rtl(program, tmp_path, SETTINGS)
    ports = json.loads((tmp_path / "ports.json").read_text())
    assert ports["latency_cycles"] == info.latency_cycles == len(info.stages) + 1
    assert ports["ii"] == 1
    assert ports["inputs"][0] | {"port": "x", "elements": 3, "element_width": 5, "width": 15} == ports["inputs"][0]
    assert ports["outputs"][0]["fraction"] == program.outputs[0].format.fraction
    assert all((tmp_path / source).is_file() for source in ports["sources"])
    table = json.loads(gzip.decompress((tmp_path / "stages.json.gz").read_bytes()))
    assert len(table["registers"]) == len(info.stages) + 1
    bits = sum(field["width"] for register in table["registers"] for field in register["fields"])
    assert bits + info.latency_cycles == info.register_bits
    assert {field["layer"] for field in table["registers"][-1]["fields"]} <= set(program.layer_of_op)


def test_no_public_marker_but_in_the_configurations(tmp_path: Path) -> None:
    info = write_rtl(trace_network(named()), tmp_path, SETTINGS)
    assert not any("public" in (tmp_path / source).read_text() for source in info.sources)
    public = (tmp_path / f"{info.top}_public.vlt").read_text()
    for name in ("clk", "rst", "in_valid", "out_valid", "x", "dense"):
        assert f'public_flat_rw -module "{info.top}" -var "{name}"' in public
    assert '"stage0_q"' in (tmp_path / f"{info.top}_debug.vlt").read_text()


def test_constraints_name_the_clock_and_every_port(tmp_path: Path) -> None:
    info = write_rtl(
        trace_network(named()), tmp_path, FirmwareSettings(clock_period_ns=4.0, part="xcvu9p-flga2104-2L-e")
    )
    constraints = (tmp_path / f"{info.top}.xdc").read_text()
    assert "create_clock -period 4.000" in constraints
    assert "get_ports {rst in_valid x[*]}" in constraints
    assert "get_ports {out_valid dense[*]}" in constraints
    assert "set_false_path" not in constraints
    script = (tmp_path / "vivado.tcl").read_text()
    assert "-part xcvu9p-flga2104-2L-e" in script
    assert all(f"$here/{source}" in script for source in info.sources)
    assert "reports/utilisation_routed.rpt" in script


def test_names_that_verilog_cannot_take(tmp_path: Path) -> None:
    program = trace_network(named("a/b net", "clk", "module"))
    info = write_rtl(program, tmp_path, SETTINGS)
    assert lint(tmp_path, info) == ""
    ports = json.loads((tmp_path / "ports.json").read_text())
    assert [(port["name"], port["port"]) for port in (*ports["inputs"], *ports["outputs"])] == [
        ("clk", "clk_"), ("module", "module_"),
    ]  # fmt: skip


def test_names_stay_distinct() -> None:
    assert verilog_name("1st") == "n_1st"
    assert verilog_name("stage0_q") == "stage0_q_"
    assert distinct_names(["a-b", "a_b", "A_B"]) == ["a_b", "a_b_2", "A_B_3"]
    assert distinct_names(["x"], "_out", ["x"]) == ["x_out"]


def test_a_constant_network_needs_only_the_valid_bit(tmp_path: Path) -> None:
    program = trace_network(random_network(5))
    assert program.comb.ops == []
    info = write_rtl(program, tmp_path, SETTINGS)
    assert info.register_bits == info.latency_cycles == 2
    assert lint(tmp_path, info) == ""


def test_a_latency_that_cannot_be_met_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"latency of 'net' must be at most latency_budget_ns = 3, not"):
        write_rtl(trace_network(named()), tmp_path / "rtl", FirmwareSettings(latency_budget_ns=3.0))
    assert not (tmp_path / "rtl").exists()


def test_relu_of_one_bit_is_written(tmp_path: Path) -> None:
    network = named()
    layers = (*network.layers, Relu(name="bit", source="dense", format=FixedPoint(1, 0, False)))
    info = write_rtl(trace_network(Network("one", layers, ("bit",))), tmp_path, SETTINGS)
    assert lint(tmp_path, info) == ""
