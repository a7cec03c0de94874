"""Runs a design under the cocotb bench of ``sim.bench``, with Verilator or Icarus Verilog."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from cocotb_tools.runner import get_runner
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.project.cache import cached_build, content_key
from firmware.project.packing import row_bytes
from firmware.verify.toolchain import SIMULATORS, ToolFailure, icarus, run_tool, versions
from firmware.verify.verilate import build_verilator

__all__ = ["Captured", "Design", "Drive", "build", "compile_design", "run_bench", "simulate"]

_TEST_MODULE = "sim.bench.stream"
_CONTROL_PORTS = ("clk", "rst", "in_valid", "out_valid")


@dataclass(frozen=True)
class Design:
    """What is simulated.

    Parameters
    ----------
    sources : tuple of Path
        Verilog files.
    top : str
        Top module, with the ports ``clk``, ``rst``, ``in_valid``, ``out_valid`` and those below.
    inputs, outputs : mapping of str to int
        Data ports and their widths in bits.
    """

    sources: tuple[Path, ...]
    top: str
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


@dataclass(frozen=True)
class Drive:
    """What the inputs are at each clock edge.

    Parameters
    ----------
    valid, rst : bool array of shape (edges,)
    bus : int32 array of shape (edges,)
        Row of ``rows`` on the data inputs, also where ``valid`` is low.
    rows : mapping of port to uint8 array of shape (events, row_bytes)
        Packed port values.
    """

    valid: NDArray[np.bool_]
    rst: NDArray[np.bool_]
    bus: NDArray[np.int32]
    rows: Mapping[str, NDArray[np.uint8]]


@dataclass(frozen=True)
class Captured:
    """What came out.

    Parameters
    ----------
    valid_edges : int32 array of shape (n,)
        Clock edges that sampled ``out_valid`` high.
    rows : mapping of port to uint8 array of shape (n, row_bytes)
        Packed output ports at those edges.
    widths : mapping of port to int
        Widths that the design really has.
    unknown : tuple of (edge, port, text)
        Where X or Z was seen.
    watched : tuple of tuples of str
        For each edge the watched signals as text.
    """

    valid_edges: NDArray[np.int32]
    rows: Mapping[str, NDArray[np.uint8]]
    widths: Mapping[str, int]
    unknown: tuple[tuple[int, str, str], ...]
    watched: tuple[tuple[str, ...], ...]


def build(design: Design, simulator: str, watch: Sequence[str] = ()) -> Path:
    """Compile a design, or find it compiled.

    Returns
    -------
    Path
        The build folder, in the cache.

    Raises
    ------
    UserError
        The simulator is unknown, or something that it needs is missing.
    ToolFailure
        The simulator refuses the design.
    """
    ports = [*_CONTROL_PORTS, *design.inputs, *design.outputs]
    return compile_design(design.sources, design.top, ports, simulator, watch)


def compile_design(
    sources: Sequence[Path], top: str, ports: Sequence[str], simulator: str, watch: Sequence[str] = ()
) -> Path:
    """The same for a design with any ports."""
    if simulator not in SIMULATORS:
        raise UserError(f"simulator must be one of {', '.join(SIMULATORS)}, not '{simulator}'")
    if simulator == "verilator":
        return build_verilator(sources, top, ports, watch)
    program = icarus()
    key = content_key([versions(simulator), top, *(path.read_bytes() for path in sources)])

    def compile_into(folder: Path) -> None:
        run_tool([program, "-g2012", "-s", top, "-o", str(folder / "sim.vvp"), *map(str, sources)], folder)

    return cached_build("icarus", key, compile_into)


def simulate(design: Design, drive: Drive, simulator: str, watch: Sequence[str] = ()) -> Captured:
    """Drive a design and capture what it answers; nothing is judged here.

    Raises
    ------
    UserError, ToolFailure
        As :func:`build`; also if the simulation itself breaks off.
    """
    folder = build(design, simulator, watch)
    with tempfile.TemporaryDirectory(prefix="trigger-bench-") as name:
        bench = Path(name)
        _write_plan(bench, design, drive, watch)
        run_bench(simulator, design.top, folder, bench, _TEST_MODULE)
        return _read_record(bench, design)


def _write_plan(bench: Path, design: Design, drive: Drive, watch: Sequence[str]) -> None:
    ports = {
        kind: [{"name": port, "bits": bits} for port, bits in table.items()]
        for kind, table in (("inputs", design.inputs), ("outputs", design.outputs))
    }
    (bench / "plan.json").write_text(json.dumps({**ports, "watch": list(watch)}))
    control = drive.valid.astype(np.uint8) | drive.rst.astype(np.uint8) << 1
    (bench / "control.bin").write_bytes(control.tobytes())
    (bench / "bus.bin").write_bytes(drive.bus.astype(np.int32).tobytes())
    for port, rows in drive.rows.items():
        (bench / f"{port}.in").write_bytes(rows.tobytes())


def run_bench(simulator: str, top: str, folder: Path, bench: Path, module: str) -> None:
    """Run a module of ``sim.bench`` on a compiled design; its plan is in ``bench``, and so is then its record.

    Raises
    ------
    ToolFailure
        The simulation ended without ``record.json``.
    """
    log = bench / "simulation.log"
    # Registers start at random values, the same ones in every run: nothing may depend on how they start.
    start = ["+verilator+rand+reset+2", "+verilator+seed+1"] if simulator == "verilator" else []
    runner = get_runner(simulator)
    runner.log.disabled = True
    try:
        with _bench_importable():
            runner.test(
                test_module=module, hdl_toplevel=top, hdl_toplevel_lang="verilog", build_dir=folder,
                test_dir=bench, results_xml=str(bench / "results.xml"), log_file=log, seed=0, plusargs=start,
                extra_env={"TRIGGER_BENCH_DIR": str(bench), "COCOTB_LOG_LEVEL": "WARNING"},
            )  # fmt: skip
    except (RuntimeError, SystemExit) as error:
        # The record tells; under pytest the runner leaves by SystemExit.
        if not (bench / "record.json").is_file():
            raise ToolFailure(f"{simulator} broke off: {_last_words(log)}") from error
    finally:
        runner.log.disabled = False
    if not (bench / "record.json").is_file():
        raise ToolFailure(f"{simulator} ended without a record: {_last_words(log)}")


@contextmanager
def _bench_importable() -> Iterator[None]:
    """The runner hands ``sys.path`` to the simulator, which runs in another folder: relative entries would be lost."""
    spec = find_spec("sim")
    assert spec is not None
    assert spec.submodule_search_locations
    root = str(Path(next(iter(spec.submodule_search_locations))).resolve().parent)
    sys.path.append(root)
    try:
        yield
    finally:
        sys.path.reverse()
        sys.path.remove(root)
        sys.path.reverse()


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    errors = [line for line in lines if "Error" in line or "error" in line] or lines
    return " | ".join(line.strip() for line in errors[-3:]) or "no message"


def _read_record(bench: Path, design: Design) -> Captured:
    head = json.loads((bench / "record.json").read_text())
    watched = bench / "watch.jsonl"
    lines = watched.read_text().splitlines() if watched.is_file() else []
    return Captured(
        valid_edges=np.fromfile(bench / "valid_edges.bin", np.int32),
        rows={
            port: np.fromfile(bench / f"{port}.out", np.uint8).reshape(-1, row_bytes(bits))
            for port, bits in design.outputs.items()
        },
        widths=head["widths"],
        unknown=tuple((edge, port, text) for edge, port, text in head["unknown"]),
        watched=tuple(tuple(json.loads(line)) for line in lines),
    )
