"""``--synth``: vendor tools on a project, where they are installed.

They run in copies beside the project, ``<project>-synth/``: what a project holds is hashed, and stays as it was.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from firmware.project.atomic import write_whole
from trigger.cli.outcome import Outcome
from trigger.cli.progress import say
from trigger.errors import UserError

__all__ = ["TOOLS", "check_tools", "synthesise"]

TOOLS = ("vivado", "vitis-run", "vitis_hls")
_SYNTHESIS_ONLY = "array set opt {reset 1 csim 0 synth 1 cosim 0 validation 0 export 0 vsynth 0 fifo_opt 0}\n"


def check_tools() -> None:
    """Refuse ``--synth`` before anything is written where no tool could run.

    Raises
    ------
    UserError
    """
    if not any(shutil.which(tool) for tool in TOOLS):
        raise UserError(
            f"--synth needs one of {', '.join(TOOLS)} on PATH, and none is there; leave it out: the project holds the "
            "scripts (rtl/vivado.tcl, hls/build_prj.tcl) to run where the tools are"
        )


def synthesise(project: Path) -> Outcome:
    """Run Vivado on the Verilog and Vitis on the HLS project, whichever is there, and read their reports.

    Parameters
    ----------
    project : Path

    Returns
    -------
    Outcome
        Not passed if Vivado could not close the clock; also in ``<project>-synth/synthesis.json``.

    Raises
    ------
    UserError
        No tool is on PATH, or one failed.
    """
    check_tools()
    work = project.with_name(f"{project.name}-synth")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    found: dict[str, Any] = {}
    lines = []
    passed = True
    if shutil.which("vivado"):
        say("synth: Vivado places and routes the Verilog, which takes minutes")
        found["rtl"] = _vivado(project, work)
        passed = found["rtl"]["timing_met"]
        verdict = "met" if passed else "NOT MET"
        lines.append(
            f"Vivado    {found['rtl']['lut']:,} LUT, {found['rtl']['ff']:,} FF, {found['rtl']['dsp']:,} DSP; "
            f"clock {verdict} (slack {found['rtl']['wns_ns']:+.3f} ns)"
        )
    if shutil.which("vitis-run") or shutil.which("vitis_hls"):
        say("synth: Vitis synthesises the HLS project, which takes minutes")
        found["hls"] = _vitis(project, work)
        lines.append("Vitis     " + ", ".join(f"{key} {value}" for key, value in sorted(found["hls"].items())))
    write_whole(work / "synthesis.json", json.dumps(found, indent=2, sort_keys=True) + "\n")
    return Outcome({**found, "folder": str(work)}, tuple(lines), passed)


def _vivado(project: Path, work: Path) -> dict[str, Any]:
    from firmware.rtl import vivado

    shutil.copytree(project / "rtl", work / "rtl")
    try:
        report = vivado.run(work / "rtl")
    except RuntimeError as error:
        raise UserError(
            f"Vivado must run through, and did not ({error}); its log is {work / 'rtl' / 'vivado.log'}"
        ) from error
    return {**asdict(report), "timing_met": report.timing_met}


def _vitis(project: Path, work: Path) -> dict[str, Any]:
    """HLS synthesis alone: simulation is what ``trigger verify`` does."""
    from hls4ml.report import parse_vivado_report

    folder = work / "hls"
    shutil.copytree(project / "hls", folder)
    (folder / "build_opt.tcl").write_text(_SYNTHESIS_ONLY)
    unified = shutil.which("vitis-run")
    command = [unified, "--mode", "hls", "--tcl", "build_prj.tcl"] if unified else ["vitis_hls", "-f", "build_prj.tcl"]
    with open(folder / "vitis.log", "wb") as log:
        done = subprocess.run(
            command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
        )
    try:
        report = parse_vivado_report(str(folder)) if done.returncode == 0 else None
    except (OSError, AttributeError, IndexError, KeyError, SyntaxError) as error:
        raise UserError(
            f"the report of Vitis must be readable, and is not ({error!r}); see {folder / 'vitis.log'}"
        ) from error
    if not report or "CSynthesisReport" not in report:
        raise UserError(
            f"Vitis must run through, and did not (exit code {done.returncode}); see {folder / 'vitis.log'}"
        )
    return {key: _value(text) for key, text in report["CSynthesisReport"].items()}


def _value(text: str) -> int | float | str:
    """Reports hold numbers as text; here they are numbers."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
