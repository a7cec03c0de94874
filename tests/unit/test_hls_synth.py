"""The driver of Vitis HLS, with a stand-in for the tool, and the reader of its report."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.errors import UserError
from firmware.hls import find_tool, read_report, synthesise
from firmware.hls.ports import Interface, write_interface

APP = '<project xmlns="com.autoesl.autopilot.project"><solutions><solution name="solution1"/></solutions></project>'
REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<profile>
<UserAssignments><unit>ns</unit><TargetClockPeriod>2.78</TargetClockPeriod></UserAssignments>
<PerformanceEstimates>
<SummaryOfTimingAnalysis><EstimatedClockPeriod>2.024</EstimatedClockPeriod></SummaryOfTimingAnalysis>
<SummaryOfOverallLatency>
<Best-caseLatency>11</Best-caseLatency><Worst-caseLatency>12</Worst-caseLatency>
<Interval-min>1</Interval-min><Interval-max>2</Interval-max>
</SummaryOfOverallLatency>
</PerformanceEstimates>
<AreaEstimates>
<Resources><BRAM_18K>4</BRAM_18K><DSP>3</DSP><FF>5678</FF><LUT>LUTS</LUT><URAM>0</URAM></Resources>
<AvailableResources><BRAM_18K>5376</BRAM_18K><DSP>12288</DSP><FF>3456000</FF><LUT>1728000</LUT></AvailableResources>
</AreaEstimates>
</profile>
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "hls"
    folder.mkdir()
    (folder / "project.tcl").write_text('set project_name "top"\nset backend "vitis"\n')
    write_interface(folder, Interface("top", "io_parallel", (), (), (), ()))
    return folder


def put_report(folder: Path, lut: str = "1234") -> None:
    report = folder / "top_prj" / "solution1" / "syn" / "report"
    report.mkdir(parents=True)
    (folder / "top_prj" / "hls.app").write_text(APP)
    (report / "top_csynth.xml").write_text(REPORT.replace("LUTS", lut))


def put_tool(folder: Path, name: str, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_report_as_numbers(project: Path) -> None:
    put_report(project)
    report = read_report(project)
    assert (report.lut, report.ff, report.dsp, report.bram) == (1234, 5678, 3, 4)
    assert (report.latency_cycles, report.ii) == (12, 2)
    assert (report.clock_period_ns, report.estimated_clock_period_ns) == (2.78, 2.024)
    assert "estimate" in report.source


def test_no_report(project: Path) -> None:
    with pytest.raises(UserError, match="run the synthesis first"):
        read_report(project)


def test_a_figure_that_is_no_number(project: Path) -> None:
    put_report(project, lut="undef")
    with pytest.raises(UserError, match=r"LUT .* 'undef'"):
        read_report(project)


@pytest.mark.parametrize("name", ["vitis-run", "vitis_hls"])
def test_tool_is_run_on_a_copy(name: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = tmp_path / "finished"
    put_report(finished)
    put_tool(tmp_path / "bin", name, f'echo "$@" > arguments\ncp -r {finished}/top_prj .', monkeypatch)
    before = sorted(project.iterdir())
    assert find_tool() == name
    assert synthesise(project, tmp_path / "work").lut == 1234
    assert "build_prj.tcl" in (tmp_path / "work" / "arguments").read_text()
    options = (tmp_path / "work" / "build_opt.tcl").read_text()
    assert "synth      1" in options
    assert "cosim      0" in options
    assert sorted(project.iterdir()) == before


def test_failing_tool_shows_its_log(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_tool(tmp_path / "bin", "vitis-run", "echo 'ERROR: no licence'; exit 3", monkeypatch)
    with pytest.raises(UserError, match=r"ended with 3(.*\n)*.*no licence"):
        synthesise(project, tmp_path / "work")


def test_slow_tool(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_tool(tmp_path / "bin", "vitis-run", "exec sleep 30", monkeypatch)
    with pytest.raises(UserError, match="must finish within"):
        synthesise(project, tmp_path / "work", timeout_s=0.2)


def test_without_the_tool(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_tool() is None
    with pytest.raises(UserError, match=r"vitis-run or vitis_hls on PATH.*settings64\.sh"):
        synthesise(project, tmp_path / "work")
