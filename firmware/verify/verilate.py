"""Verilog to a simulator's executable with Verilator, as fast as two cores can.

Three things make it fast. Only the ports of the top module are public, so that the rest is free to be optimised.
Verilator's run-time library and headers are compiled once and kept. The C++ goes to the compiler in one or two large
pieces, not one a file: each file costs more in headers than in code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cocotb_tools.config as cocotb

from firmware.project.cache import cached_build, content_key
from firmware.verify.toolchain import compiler, run_tool, verilator, verilator_root, versions

__all__ = ["build_verilator"]

_PREFIX = "Vtop"
_RUNTIME = ("verilated", "verilated_dpi", "verilated_vpi", "verilated_threads")
_DEFINES = (
    "VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TIMING=0", "VM_TRACE=0", "VM_TRACE_FST=0", "VM_TRACE_VCD=0",
    "VM_TRACE_SAIF=0",
)  # fmt: skip
_OPTIONS = (
    "-O3", "--x-assign", "fast", "--x-initial", "unique", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD",
)  # fmt: skip
_OPTIMISE = "-Og"
"""A fifth dearer to compile than -O0, and three times as fast at run time; -O1 costs several times as much."""

_ONE_PIECE_BYTES = 400_000
_HEADER = "runtime.h"
_RULES = "3"
"""Changes with this file's way of building, so that no build of another way is taken for one of this."""


def build_verilator(sources: Sequence[Path], top: str, ports: Iterable[str], watch: Iterable[str] = ()) -> Path:
    """Compile a design; the result is kept under the hash of all that went in.

    Parameters
    ----------
    sources : sequence of Path
        Verilog files, in order.
    top : str
        Top module.
    ports : iterable of str
        Its ports: the signals that the bench can see.
    watch : iterable of str
        Further signals of the top module to see, for looking into a failure.

    Returns
    -------
    Path
        Folder with the executable ``<top>``.

    Raises
    ------
    ToolFailure
        Verilator or the compiler refuses the design.
    UserError
        A program or package is missing.
    """
    public = [*ports, *watch]
    texts = [path.read_bytes() for path in sources]
    key = content_key([_RULES, _OPTIMISE, versions("verilator"), top, *_OPTIONS, json.dumps(public), *texts])

    def build(folder: Path) -> None:
        work = folder / "work"
        work.mkdir()
        control = work / "public.vlt"
        lines = [f'public_flat_rw -module "{top}" -var "{name}"' for name in public]
        control.write_text("\n".join(["`verilator_config", *lines, ""]))
        program, environment = verilator()
        command = [program, "-cc", "--vpi", "--prefix", _PREFIX, "--top-module", top, "-Mdir", str(work), *_OPTIONS]
        run_tool([*command, str(control), *map(str, sources)], work, environment)
        objects = _compile_model(work)
        _link(folder / top, objects + sorted(_runtime().glob("*.o")))
        for path in sorted(work.rglob("*"), reverse=True):
            path.unlink()
        work.rmdir()

    return cached_build("verilator", key, build)


def _compile_model(work: Path) -> list[Path]:
    """Objects of the generated C++ and of cocotb's main program."""
    files = sorted(work.glob(f"{_PREFIX}*.cpp"))
    main = Path(cocotb.share_dir) / "lib" / "verilator" / "verilator.cpp"
    count = 1 if sum(path.stat().st_size for path in files) < _ONE_PIECE_BYTES else 2
    units = []
    for number, piece in enumerate(_balanced([*files, main], count)):
        unit = work / f"piece{number}.cc"
        unit.write_text("".join(f'#include "{path}"\n' for path in piece))
        units.append(unit)
    return _compile(units, work, _runtime() / _HEADER)


def _balanced(files: list[Path], count: int) -> list[list[Path]]:
    """Files dealt into lists of about equal size in bytes: largest first, to the list that has least."""
    lists: list[list[Path]] = [[] for _ in range(count)]
    sizes = [0] * count
    for path in sorted(files, key=lambda path: (-path.stat().st_size, path.name)):
        least = sizes.index(min(sizes))
        lists[least].append(path)
        sizes[least] += path.stat().st_size
    return [piece for piece in lists if piece]


def _runtime() -> Path:
    """Folder with the objects of Verilator's run-time library, and its headers precompiled."""
    include = verilator_root() / "include"

    def build(folder: Path) -> None:
        header = folder / _HEADER
        header.write_text("".join(f'#include "{name}.h"\n' for name in _RUNTIME))
        run_tool([compiler(), *_flags(), "-x", "c++-header", str(header), "-o", f"{header}.gch"], folder)
        _compile([include / f"{name}.cpp" for name in _RUNTIME], folder)

    return cached_build("verilator-runtime", content_key([_RULES, _OPTIMISE, versions("verilator")]), build)


def _compile(units: list[Path], folder: Path, header: Path | None = None) -> list[Path]:
    known = [] if header is None else ["-include", str(header)]

    def compile_one(unit: Path) -> Path:
        target = folder / f"{unit.stem}.o"
        run_tool([compiler(), *_flags(), *known, f"-I{folder}", "-c", str(unit), "-o", str(target)], folder)
        return target

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return list(pool.map(compile_one, units))


def _flags() -> list[str]:
    include = verilator_root() / "include"
    return [_OPTIMISE, "-w", *(f"-D{define}" for define in _DEFINES), f"-I{include}", f"-I{include / 'vltstd'}"]


def _link(target: Path, objects: list[Path]) -> None:
    libraries = str(cocotb.libs_dir)
    options = [f"-Wl,-rpath,{libraries}", f"-L{libraries}", "-lcocotbvpi_verilator", "-pthread", "-ldl"]
    run_tool([compiler(), *map(str, objects), *options, "-o", str(target)], target.parent)
