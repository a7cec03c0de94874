"""The verification ladder: QKeras = emulator = HLS C-simulation = RTL, to the integer."""

from firmware.project.callable_module import make_callable
from firmware.verify.compare import Mismatch
from firmware.verify.report import Check, VerifyResult
from firmware.verify.run import CHECKS, verify
from firmware.verify.stimulus import InputPort, Stimulus, default_stimulus
from firmware.verify.toolchain import SIMULATORS

__all__ = [
    "CHECKS", "SIMULATORS", "Check", "InputPort", "Mismatch", "Stimulus", "VerifyResult", "default_stimulus", "verify",
]  # fmt: skip

make_callable(__name__)
