"""Golden projects: what a network must still compute, cost and take, in a small folder that a CI can check."""

from firmware.golden.check import check_golden
from firmware.golden.folder import Golden, find_goldens, read_golden
from firmware.golden.outcome import RUNGS, GoldenOutcome, Row
from firmware.golden.write import renew, write_golden

__all__ = [
    "RUNGS", "Golden", "GoldenOutcome", "Row", "check_golden", "find_goldens", "read_golden", "renew", "write_golden",
]  # fmt: skip
