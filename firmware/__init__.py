"""A quantised network in, proven hardware out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from firmware.errors import UserError
from firmware.settings import FirmwareSettings

if TYPE_CHECKING:
    from firmware.convert import convert
    from firmware.verify import VerifyResult, verify

__all__ = ["FirmwareSettings", "UserError", "VerifyResult", "convert", "verify"]

_LAZY = {"convert": "firmware.convert", "verify": "firmware.verify", "VerifyResult": "firmware.verify"}
