"""The finder's C++ compiled and run on events: from the project folder alone, on what is in it."""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.hls.library import compiled_library
from firmware.vertex.events import FinderEvents, FinderOutputs
from firmware.vertex.hls.render import rendered
from firmware.vertex.hls.write import DESCRIPTION, SCHEMA

__all__ = ["FinderBlocks", "FinderCSimulation", "build"]

_POINTERS = (
    "start", "lane", "words", "threshold", "bin", "z0", "peak", "weight", "association", "truncated", "kept",
    "associated", "histogram", "pattern",
)  # fmt: skip


class _Arguments(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int64 if name == "threshold" else ctypes.c_void_p) for name in _POINTERS
    )  # as `Arguments` of the bridge


@dataclass(frozen=True, eq=False)
class FinderBlocks:
    """Words between the finder's blocks.

    Parameters
    ----------
    weight : int64 array of shape (tracks,)
        0 where a track is not kept.
    histogram, pattern : int64 arrays of shape (events, bins)
    """

    weight: NDArray[np.int64]
    histogram: NDArray[np.int64]
    pattern: NDArray[np.int64]


class FinderCSimulation:
    """The C-simulation of a finder's project.

    Parameters
    ----------
    library : Path
        Shared library that `build` compiled.
    """

    def __init__(self, library: Path) -> None:
        self.library = library
        self._code = ctypes.CDLL(str(library), mode=os.RTLD_LOCAL | os.RTLD_NOW)
        table = (ctypes.c_int64 * 5)()
        self._code.finder_describe(table)
        self.lanes, self.words, self.bins, self.association_bits, signed = table
        self.association_signed = bool(signed)

    def predict(self, events: FinderEvents, *, threads: int | None = None) -> FinderOutputs:
        """What the top function says of events.

        Parameters
        ----------
        events : FinderEvents
        threads : int, optional
            Threads that share the events; default: the processors at hand.

        Raises
        ------
        UserError
            A lane that does not exist, or words of another size.
        """
        return self._run(events, 0, threads, with_blocks=False)[0]

    def associated(self, events: FinderEvents, threshold: int, *, threads: int | None = None) -> NDArray[np.bool_]:
        """Which tracks belong to the vertex, bool of shape (tracks,); as the second of `run`."""
        return self.run(events, threshold, threads=threads)[1]

    def run(
        self, events: FinderEvents, threshold: int, *, threads: int | None = None
    ) -> tuple[FinderOutputs, NDArray[np.bool_]]:
        """What the top function says of events, and which tracks belong to the vertex.

        Parameters
        ----------
        events : FinderEvents
        threshold : int
            Association word from which on a track does.
        threads : int, optional

        Returns
        -------
        FinderOutputs, bool array of shape (tracks,)

        Raises
        ------
        UserError
            As `predict`, or the threshold is no association word.
        """
        low = -(1 << (self.association_bits - 1)) if self.association_signed else 0
        high = low + (1 << self.association_bits) - 1
        if not low <= threshold <= high:
            raise UserError(f"threshold must be an association word, {low} to {high}, not {threshold}")
        outputs, arrays = self._run(events, threshold, threads, with_blocks=False)
        return outputs, arrays["associated"].view(np.bool_)

    def blocks(self, events: FinderEvents, *, threads: int | None = None) -> FinderBlocks:
        """The words between the blocks, to name the first that differs.

        Parameters
        ----------
        events : FinderEvents
        threads : int, optional
        """
        outputs, arrays = self._run(events, 0, threads, with_blocks=True)
        return FinderBlocks(outputs.weight, arrays["histogram"], arrays["pattern"])

    def _run(
        self, events: FinderEvents, threshold: int, threads: int | None, *, with_blocks: bool
    ) -> tuple[FinderOutputs, dict[str, NDArray[Any]]]:
        self._check(events)
        n_events, tracks = len(events), len(events.lane)
        arrays: dict[str, NDArray[Any]] = {
            "start": np.ascontiguousarray(events.start, np.int64),
            "lane": np.ascontiguousarray(events.lane, np.int64),
            "words": np.ascontiguousarray(events.words),
            **{name: np.zeros(n_events, np.int64) for name in ("bin", "z0", "peak")},
            **{name: np.zeros(tracks, np.int64) for name in ("weight", "association")},
            "truncated": np.zeros(n_events, np.uint8),
            **{name: np.zeros(tracks, np.uint8) for name in ("kept", "associated")},
        }
        if with_blocks:
            arrays |= {name: np.zeros((n_events, self.bins), np.int64) for name in ("histogram", "pattern")}
        if n_events:
            count = len(os.sched_getaffinity(0)) if threads is None else threads
            pointers = {name: array.ctypes.data for name, array in arrays.items()}
            arguments = _Arguments(threshold=threshold, **pointers)
            self._code.finder_run(
                ctypes.c_size_t(n_events), ctypes.c_size_t(max(1, min(count, n_events))), ctypes.byref(arguments)
            )
        outputs = FinderOutputs(
            bin=arrays["bin"], z0=arrays["z0"], peak=arrays["peak"], truncated=arrays["truncated"].view(np.bool_),
            kept=arrays["kept"].view(np.bool_), weight=arrays["weight"], association=arrays["association"],
        )  # fmt: skip
        return outputs, arrays

    def _check(self, events: FinderEvents) -> None:
        if events.words.shape[1] != self.words:
            raise UserError(f"track words must have {self.words} words of 32 bits, not {events.words.shape[1]}")
        wrong = np.flatnonzero((events.lane < 0) | (events.lane >= self.lanes))
        if len(wrong):
            lane = events.lane[wrong[0]]
            raise UserError(f"lane of track {wrong[0]} must be 0 to {self.lanes - 1}, not {lane}")


def build(hls_dir: Path | str, build_dir: Path | str, *, optimise: str = "-O2") -> FinderCSimulation:
    """Compile a project's C-simulation, unless these very sources were compiled before.

    Parameters
    ----------
    hls_dir : path
        Folder that `write_finder_hls` wrote; edits in it count.
    build_dir : path
        Where libraries are kept; several processes may share it.
    optimise : str
        The compiler's flag: "-O0" compiles quickly and runs slowly.

    Raises
    ------
    UserError
        The folder is incomplete, g++ is missing, or it refuses the sources: with file, line and its message.
    """
    hls_dir = Path(hls_dir)
    top, sources = _described(hls_dir)
    includes = "\n".join(f'#include "firmware/{source}"' for source in sources)
    bridge = rendered("bridge.cpp", top=top, includes=includes)
    library = compiled_library(hls_dir, bridge, Path(build_dir), optimise=optimise, beside=("finder_driver.h",))
    return FinderCSimulation(library)


def _described(hls_dir: Path) -> tuple[str, list[str]]:
    try:
        data = json.loads((hls_dir / DESCRIPTION).read_text())
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']}")
        top, sources = data["top"], data["sources"]
        if not isinstance(top, str) or not top.isidentifier() or not all(isinstance(name, str) for name in sources):
            raise ValueError("no name of a top function, or no sources")
        return top, sources
    except FileNotFoundError:
        raise UserError(f"folder '{hls_dir.name}' must hold {DESCRIPTION}; write the project again") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{DESCRIPTION} in '{hls_dir.name}' must be of schema {SCHEMA}: {error}; write the project again"
        ) from None
