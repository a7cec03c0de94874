"""Quantised networks: one description that everything reads, and what it computes, in integers."""

from __future__ import annotations

from firmware.network.fixed_point import FixedPoint
from firmware.network.intervals import Interval, exact_bits, exact_formats, output_formats
from firmware.network.network import Network
from firmware.network.qkeras_io import from_qkeras, load_model, to_qkeras
from firmware.network.reference import Tensor, evaluate
from firmware.network.serial import from_json, to_json

__all__ = [
    "FixedPoint",
    "Interval",
    "Network",
    "Tensor",
    "evaluate",
    "exact_bits",
    "exact_formats",
    "from_json",
    "from_qkeras",
    "load_model",
    "output_formats",
    "to_json",
    "to_qkeras",
]
