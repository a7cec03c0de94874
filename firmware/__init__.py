"""A quantised network in, proven hardware out: ``firmware.convert(...)`` and ``firmware.verify(...)``.

Both are modules that can be called as the function of their name, so that importing this package stays quick: what
they need (adder graphs, simulators, TensorFlow) is loaded with the first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from firmware.errors import UserError
from firmware.settings import FirmwareSettings

if TYPE_CHECKING:
    from firmware.convert import convert
    from firmware.verify import VerifyResult, verify

__all__ = ["FirmwareSettings", "UserError", "VerifyResult", "convert", "verify"]


def __getattr__(name: str) -> Any:
    if name in ("convert", "verify"):
        return import_module(f"firmware.{name}")
    if name == "VerifyResult":
        return import_module("firmware.verify").VerifyResult
    raise AttributeError(f"module 'firmware' has no attribute '{name}'")
