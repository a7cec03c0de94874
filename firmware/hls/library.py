"""A project's C++ compiled to a shared library, once for the same sources."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firmware.errors import UserError

__all__ = ["compiled_library"]

_COMPILER = "g++"
# Nothing visible but the bridge, no unique symbols: two models in one process must share no static object.
_FLAGS = (
    "-std=c++17", "-DNDEBUG", "-w", "-fPIC", "-shared", "-fvisibility=hidden", "-fvisibility-inlines-hidden",
    "-fno-gnu-unique", "-Wl,-Bsymbolic", "-pthread", "-I.", "-Ifirmware", "-Ifirmware/ap_types",
)  # fmt: skip
_SOURCES = "firmware"
_WEIGHTS = re.compile(r"^(\w+) (\w+)\[(\d+)\] = \{([^{}]*)\};$", re.MULTILINE)
_MESSAGE_LINES = 12


@dataclass(frozen=True)
class _Job:
    hls_dir: Path
    bridge: str
    compiler: str
    optimise: str
    beside: tuple[str, ...]


def compiled_library(
    hls_dir: Path, bridge: str, build_dir: Path, *, optimise: str = "-O1", beside: tuple[str, ...] = ()
) -> Path:
    """The shared library of a bridge and the sources it includes.

    Parameters
    ----------
    hls_dir : Path
        Project; its folder ``firmware`` counts.
    bridge : str
        C++ that includes those sources and exports functions.
    build_dir : Path
        Where libraries are kept; several processes may share it.
    optimise : str
        Flag of the compiler.
    beside : tuple of str
        Files beside ``firmware`` that count too.

    Raises
    ------
    UserError
        The folder is incomplete, g++ is missing, or it refuses the sources: with file, line and its message.
    """
    compiler = shutil.which(_COMPILER)
    if compiler is None:
        raise UserError(
            f"C-simulation needs {_COMPILER} on PATH, and it is not there; install it (Debian: apt install g++)"
        )
    job = _Job(hls_dir, bridge, compiler, optimise, beside)
    build_dir.mkdir(parents=True, exist_ok=True)
    with _lock(build_dir / ".lock"):
        library = build_dir / f"csim-{_key(job)}.so"
        if not library.exists():
            _compile(job, library)
    return library


def _key(job: _Job) -> str:
    version = subprocess.run(
        [job.compiler, "-dumpfullversion", "-dumpmachine"], capture_output=True, text=True, check=True
    )
    digest = hashlib.sha256("\0".join((job.bridge, *_FLAGS, job.optimise, version.stdout)).encode())
    sources = sorted(path for path in (job.hls_dir / _SOURCES).rglob("*") if path.is_file())
    for path in (*sources, *(job.hls_dir / name for name in job.beside)):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(job.hls_dir).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:24]


def _compile(job: _Job, library: Path) -> None:
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".build-") as scratch:
        folder = Path(scratch)
        name = job.hls_dir.name
        try:
            shutil.copytree(job.hls_dir / _SOURCES, folder / _SOURCES)
        except FileNotFoundError:
            raise UserError(f"folder '{name}' must hold a folder '{_SOURCES}'; write the project again") from None
        for header in (folder / _SOURCES).rglob("weights/*.h"):
            header.write_text(_quick_to_compile(header.read_text()))
        for file in job.beside:
            shutil.copy(job.hls_dir / file, folder / file)
        (folder / "bridge.cpp").write_text(job.bridge)
        command = [job.compiler, *_FLAGS, job.optimise, "bridge.cpp", "-o", "csim.so"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
        if done.returncode != 0:
            raise UserError(_compile_message(name, done.stderr))
        os.replace(folder / "csim.so", library)


def _quick_to_compile(header: str) -> str:
    """The same array filled by a loop: g++ takes five times as long over thousands of constructor calls."""
    return _WEIGHTS.sub(
        r"\1 \2[\3];\n"
        r"static const double \2_values[] = {\4};\n"
        r'static_assert(sizeof(\2_values) / sizeof(double) <= \3, "too many initialisers");\n'
        r"static const bool \2_filled = [] {\n"
        r"    for (unsigned i = 0; i < sizeof(\2_values) / sizeof(double); i++)\n"
        r"        \2[i] = \2_values[i];\n"
        r"    return true;\n"
        r"}();",
        header,
    )


def _compile_message(folder: str, stderr: str) -> str:
    lines = stderr.strip().splitlines()
    errors = [line for line in lines if "error" in line]
    where = f" at {errors[0].partition(': ')[0]}" if errors else ""
    last = "\n  ".join(lines[-_MESSAGE_LINES:])
    first = f"\n  {errors[0]}" if errors and errors[0] not in lines[-_MESSAGE_LINES:] else ""
    return (
        f"sources in '{folder}' must compile, and {_COMPILER} refuses them{where}; "
        f"undo the edit or write the project again:{first}\n  {last}"
    )


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One build at a time in a folder; the lock goes with the process that holds it."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
