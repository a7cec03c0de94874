"""The description to and from QKeras, and QKeras models from files."""

from __future__ import annotations

from firmware.network.qkeras_build import to_qkeras
from firmware.network.qkeras_load import load_model
from firmware.network.qkeras_read import from_qkeras

__all__ = ["from_qkeras", "load_model", "to_qkeras"]
