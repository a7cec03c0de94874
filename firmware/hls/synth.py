"""Vitis HLS on a project, where it is installed, and its report as numbers."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.errors import UserError

__all__ = ["SynthesisReport", "find_tool", "read_report", "synthesise"]

# Vitis 2024.2 dropped the first; the second came with 2023.2.
_COMMANDS: dict[str, tuple[str, ...]] = {
    "vitis-run": ("vitis-run", "--mode", "hls", "--tcl", "build_prj.tcl"),
    "vitis_hls": ("vitis_hls", "-f", "build_prj.tcl"),
}
_STEPS = ("reset", "csim", "synth", "cosim", "validation", "export", "vsynth", "fifo_opt")
_PROJECT = "project.tcl"
_LOG = "synthesis.log"
_MESSAGE_LINES = 12


@dataclass(frozen=True)
class SynthesisReport:
    """Estimates of high-level synthesis (not of place and route)."""

    lut: int
    ff: int
    dsp: int
    bram: int
    latency_cycles: int
    """Worst case."""
    ii: int
    clock_period_ns: float
    """Asked for."""
    estimated_clock_period_ns: float
    """What the tool estimates; no routed design has closed it."""
    source: str = "Vitis HLS C synthesis (estimate)"


def find_tool() -> str | None:
    """Name of the Vitis command on PATH, or None."""
    return next((name for name in _COMMANDS if shutil.which(name)), None)


def synthesise(hls_dir: Path | str, work_dir: Path | str, *, timeout_s: float = 4 * 3600) -> SynthesisReport:
    """Run C synthesis on a copy of a project and read its report.

    Parameters
    ----------
    hls_dir : path
        Folder that `write_hls` or `write_finder_hls` wrote; it stays as it is.
    work_dir : path
        Folder for the copy and all that the tool makes; replaced if it exists.
    timeout_s : float
        When to give up.

    Raises
    ------
    UserError
        Vitis is not on PATH, fails, or takes too long; with the end of its log.
    """
    hls_dir, folder = Path(hls_dir), Path(work_dir)
    if not (hls_dir / _PROJECT).is_file():
        raise UserError(f"folder '{hls_dir.name}' must hold {_PROJECT}; write the project again")
    tool = find_tool()
    if tool is None:
        raise UserError(
            f"synthesis needs {' or '.join(_COMMANDS)} on PATH, and neither is there; source the settings64.sh of "
            "Vitis, or leave synthesis out (estimates and the verification need no vendor tool)"
        )
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(hls_dir, folder)
    steps = "".join(f"    {step:<10} {int(step in ('reset', 'synth'))}\n" for step in _STEPS)
    (folder / "build_opt.tcl").write_text(f"array set opt {{\n{steps}}}\n")
    log = folder / _LOG
    with log.open("w") as handle:
        try:
            done = subprocess.run(
                _COMMANDS[tool],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"{tool} must finish within {timeout_s:.0f} s, and did not; see {log}") from None
    if done.returncode != 0:
        last = "\n  ".join(log.read_text(errors="replace").strip().splitlines()[-_MESSAGE_LINES:])
        raise UserError(
            f"{tool} must succeed on '{hls_dir.name}', and ended with {done.returncode}; see {log}:\n  {last}"
        )
    return read_report(folder)


def read_report(hls_dir: Path | str) -> SynthesisReport:
    """Numbers of a synthesis that was run, through hls4ml's reader.

    Raises
    ------
    UserError
        There is no report, or a figure in it is no number.
    """
    folder = Path(hls_dir)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of hls4ml's own imports
            from hls4ml.report import parse_vivado_report

            found = parse_vivado_report(str(folder))
        table: Mapping[str, Any] = found["CSynthesisReport"]
    except (KeyError, TypeError, IndexError, AttributeError, FileNotFoundError, SyntaxError) as error:
        raise UserError(
            f"folder '{folder.name}' must hold a synthesis report, and hls4ml's reader finds none ({error!r}); "
            "run the synthesis first"
        ) from None
    return SynthesisReport(
        lut=int(_number(table, "LUT")),
        ff=int(_number(table, "FF")),
        dsp=int(_number(table, "DSP")),
        bram=int(_number(table, "BRAM_18K")),
        latency_cycles=int(_number(table, "WorstLatency")),
        ii=int(_number(table, "IntervalMax")),
        clock_period_ns=_number(table, "TargetClockPeriod"),
        estimated_clock_period_ns=_number(table, "EstimatedClockPeriod"),
    )


def _number(table: Mapping[str, Any], key: str) -> float:
    try:
        return float(table[key])
    except (KeyError, TypeError, ValueError):
        raise UserError(
            f"{key} in the synthesis report must be a number, not {table.get(key)!r}; look at the tool's log"
        ) from None
