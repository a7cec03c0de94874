"""Vivado, where it is installed: running the out-of-context script, reading its reports."""

from __future__ import annotations

import io
import shutil
import subprocess
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from alkaid._cli.report import parse_timing_summary_vivado, parse_utilization_vivado

from firmware.errors import UserError
from firmware.rtl.constraints import REPORT_FILES

__all__ = ["VivadoReport", "read_reports", "run"]

_SCRIPT = "vivado.tcl"


@dataclass(frozen=True)
class VivadoReport:
    """Figures after placement and routing, out of context.

    Parameters
    ----------
    lut, ff, dsp, carry8, bram : float
        Used; BRAM counts halves.
    wns_ns : float
        Worst slack against the clock asked for; below zero the clock is not met.
    source : str
    """

    lut: int
    ff: int
    dsp: int
    carry8: int
    bram: float
    wns_ns: float
    source: str = "Vivado, placed and routed out of context"

    @property
    def timing_met(self) -> bool:
        """Whether the clock asked for is closed."""
        return self.wns_ns >= 0


def run(rtl_dir: Path, *, timeout_s: float | None = None) -> VivadoReport:
    """Synthesise, place and route a folder written by ``write_rtl``, and read the reports.

    Raises
    ------
    UserError
        Vivado is not on PATH, or the folder has no script.
    RuntimeError
        Vivado failed.
    """
    program = shutil.which("vivado")
    if program is None:
        raise UserError(
            "synthesis of the Verilog needs the program 'vivado', which is not on PATH; source Vivado's settings64.sh, "
            f"or run '{_SCRIPT}' of the rtl folder where it is installed"
        )
    if not (rtl_dir / _SCRIPT).is_file():
        raise UserError(f"RTL folder '{rtl_dir.name}' must hold {_SCRIPT}, and does not; generate the project again")
    command = [program, "-mode", "batch", "-nojournal", "-log", "vivado.log", "-source", _SCRIPT]
    done = subprocess.run(
        command, cwd=rtl_dir, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        lines = done.stdout.splitlines()
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-3:]
        raise RuntimeError(f"Vivado failed ({done.returncode}): {' | '.join(errors[:3])}")
    return read_reports(rtl_dir)


def read_reports(rtl_dir: Path) -> VivadoReport:
    """Figures of the reports that ``vivado.tcl`` wrote.

    Raises
    ------
    UserError
        A report is missing, or is not one of Vivado's.
    """
    texts = {}
    for name in ("utilisation", "timing"):
        path = rtl_dir / REPORT_FILES[name]
        if not path.is_file():
            raise UserError(f"report '{REPORT_FILES[name]}' must exist, and does not; run {_SCRIPT} with Vivado first")
        texts[name] = path.read_text()
    try:
        with redirect_stdout(io.StringIO()):  # the reader prints what it does not find; here that raises
            used = parse_utilization_vivado(texts["utilisation"])
        timing = parse_timing_summary_vivado(texts["timing"])
        return VivadoReport(
            lut=int(used["LUT"]), ff=int(used["FF"]), dsp=int(used["DSP"]), carry8=int(used["CARRY8"]),
            bram=float(used["Block RAM Tile"]), wns_ns=float(timing["WNS(ns)"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError, AssertionError) as error:
        raise UserError(f"reports in '{rtl_dir.name}' must be Vivado's own, and cannot be read ({error!r})") from None
