"""Vivado's reports, from a small hand-written pair in its format."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.errors import UserError
from firmware.rtl import vivado

UTILISATION = """
+----------------------------+------+-------+------------+-----------+-------+
|          Site Type         | Used | Fixed | Prohibited | Available | Util% |
+----------------------------+------+-------+------------+-----------+-------+
| CLB LUTs                   | 1402 |     0 |          0 |   1728000 |  0.08 |
|   LUT as Logic             | 1398 |     0 |          0 |   1728000 |  0.08 |
|   LUT as Memory            |    4 |     0 |          0 |    791040 | <0.01 |
| CLB Registers              | 1519 |     0 |          0 |   3456000 |  0.04 |
|   Register as Flip Flop    | 1519 |     0 |          0 |   3456000 |  0.04 |
|   Register as Latch        |    0 |     0 |          0 |   3456000 |  0.00 |
| CARRY8                     |  230 |     0 |          0 |    216000 |  0.11 |
| Block RAM Tile             |  0.5 |     0 |          0 |      2688 |  0.02 |
|   RAMB18                   |    1 |     0 |          0 |      5376 |  0.02 |
| URAM                       |    0 |     0 |          0 |      1280 |  0.00 |
| DSPs                       |    2 |     0 |          0 |     12288 |  0.02 |
+----------------------------+------+-------+------------+-----------+-------+
"""
TIMING = """
------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)
    -------      -------  ---------------------  -------------------      -------      -------
     -0.212       -3.400                     17                 1519        0.031        0.000


"""


def write(folder: Path, utilisation: str = UTILISATION, timing: str = TIMING) -> Path:
    (folder / "reports").mkdir()
    (folder / vivado.REPORT_FILES["utilisation"]).write_text(utilisation)
    (folder / vivado.REPORT_FILES["timing"]).write_text(timing)
    return folder


def test_figures_are_numbers(tmp_path: Path) -> None:
    report = vivado.read_reports(write(tmp_path))
    assert (report.lut, report.ff, report.dsp, report.carry8, report.bram) == (1402, 1519, 2, 230, 0.5)
    assert report.wns_ns == -0.212
    assert not report.timing_met


def test_another_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="must be Vivado's own"):
        vivado.read_reports(write(tmp_path, utilisation="nothing"))
    assert capsys.readouterr().out == ""


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"utilisation_routed\.rpt"):
        vivado.read_reports(tmp_path)


def test_no_vivado_is_said_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="'vivado', which is not on PATH"):
        vivado.run(tmp_path)


def test_a_vivado_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "vivado"
    program.write_text("#!/bin/sh\necho 'ERROR: [Common 17-345] no licence'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "vivado.tcl").write_text("")
    with pytest.raises(RuntimeError, match="no licence"):
        vivado.run(tmp_path)
