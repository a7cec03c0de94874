"""Counting primitives with Yosys, on a very small design."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware.adder_graph import trace_network
from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense, Input, Relu
from firmware.network.network import Network
from firmware.resources import count_primitives
from firmware.rtl import RtlInfo, write_rtl
from firmware.settings import FirmwareSettings


def write(folder: Path) -> RtlInfo:
    layers = (
        Input(name="x", shape=(2,), format=FixedPoint(4, 0, False)),
        Dense(
            name="dense", source="x", units=2, kernel_format=FixedPoint(4, 1, True),
            kernel=np.array([[3, -7], [1, 5]]),
        ),
        Relu(name="relu", source="dense", format=FixedPoint(4, 1, False)),
    )  # fmt: skip
    return write_rtl(trace_network(Network("tiny", layers, ("relu",))), folder, FirmwareSettings())


def test_a_small_design_is_counted(tmp_path: Path) -> None:
    info = write(tmp_path)
    found = count_primitives(tmp_path, timeout_s=300)
    assert 5 < found.lut < 200
    assert found.lut == sum(count for name, count in found.cells.items() if name.startswith("LUT"))
    assert 0.5 * info.register_bits < found.ff <= info.register_bits
    assert found.carry > 0
    assert found.dsp == 0
    assert "Yosys" in found.source


def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must hold ports\.json"):
        count_primitives(tmp_path)
    info = write(tmp_path)
    (tmp_path / info.sources[0]).unlink()
    with pytest.raises(UserError, match=info.sources[0]):
        count_primitives(tmp_path)


def test_verilog_that_yosys_refuses_is_said(tmp_path: Path) -> None:
    info = write(tmp_path)
    (tmp_path / info.sources[-1]).write_text("module tiny (; endmodule")
    with pytest.raises(RuntimeError, match="Yosys failed"):
        count_primitives(tmp_path)


def test_the_time_is_bounded(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UserError, match="timeout_s"):
        count_primitives(tmp_path, timeout_s=0.01)
