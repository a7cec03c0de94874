"""Vendor tools that are not here, played by scripts: what is run where, and what is made of the reports."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from trigger.cli.verbs.synthesis import synthesise
from trigger.errors import UserError

CSYNTH = """<profile><UserAssignments><TargetClockPeriod>2.778</TargetClockPeriod></UserAssignments>
<PerformanceEstimates><SummaryOfTimingAnalysis><EstimatedClockPeriod>1.9</EstimatedClockPeriod></SummaryOfTimingAnalysis>
<SummaryOfOverallLatency><Best-caseLatency>7</Best-caseLatency><Worst-caseLatency>7</Worst-caseLatency>
<Interval-min>1</Interval-min><Interval-max>1</Interval-max></SummaryOfOverallLatency></PerformanceEstimates>
<AreaEstimates><Resources><LUT>1234</LUT><FF>99</FF><DSP>0</DSP></Resources>
<AvailableResources><LUT>1728000</LUT></AvailableResources></AreaEstimates></profile>"""
VITIS = """#!/bin/sh
grep -q 'csim 0' build_opt.tcl || exit 9
mkdir -p trigger_net_prj/solution1/syn/report
echo '<project><solutions><solution name="solution1"/></solutions></project>' > trigger_net_prj/hls.app
cp "$FAKE_REPORT" trigger_net_prj/solution1/syn/report/trigger_net_csynth.xml
"""


@pytest.fixture
def project(tmp_path) -> Path:
    folder = tmp_path / "net"
    (folder / "hls").mkdir(parents=True)
    (folder / "rtl").mkdir()
    (folder / "hls" / "project.tcl").write_text('set project_name "trigger_net"\nset backend "vitis"\n')
    (folder / "hls" / "build_opt.tcl").write_text("array set opt {csim 1}\n")
    return folder


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Put a script of that name on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    (tmp_path / "report.xml").write_text(CSYNTH)
    monkeypatch.setenv("FAKE_REPORT", str(tmp_path / "report.xml"))

    def install(name: str, script: str) -> None:
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)

    return install


@pytest.mark.parametrize("name", ["vitis-run", "vitis_hls"])
def test_vitis_runs_on_a_copy_and_its_report_becomes_numbers(project, tool, name):
    tool(name, VITIS)
    before = sorted(path for path in project.rglob("*"))
    outcome = synthesise(project)
    assert outcome.passed
    assert outcome.result["hls"]["LUT"] == 1234
    assert outcome.result["hls"]["EstimatedClockPeriod"] == 1.9
    assert outcome.result["hls"]["BestLatency"] == 7
    assert sorted(path for path in project.rglob("*")) == before
    assert (project / "hls" / "build_opt.tcl").read_text() == "array set opt {csim 1}\n"
    stored = json.loads((project.parent / "net-synth" / "synthesis.json").read_text())
    assert stored["hls"] == outcome.result["hls"]


def test_a_tool_that_fails_names_its_log(project, tool):
    tool("vitis-run", "#!/bin/sh\necho 'ERROR: no licence'\nexit 3\n")
    with pytest.raises(UserError, match=r"exit code 3.*vitis\.log"):
        synthesise(project)
    assert "no licence" in (project.parent / "net-synth" / "hls" / "vitis.log").read_text()


def test_a_torn_report_is_no_result(project, tool, tmp_path):
    tool("vitis-run", VITIS)
    (tmp_path / "report.xml").write_text(CSYNTH[:200])
    with pytest.raises(UserError, match="readable"):
        synthesise(project)
