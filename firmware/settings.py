"""What the user says of the firmware: part, clock, strategy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firmware.errors import UserError

__all__ = ["BACKENDS", "IO_TYPES", "PARTS", "STRATEGIES", "FirmwareSettings", "Part"]


@dataclass(frozen=True)
class Part:
    """What a device holds, from its data sheet."""

    lut: int
    ff: int
    dsp: int


PARTS: dict[str, Part] = {
    "xcvu9p-flga2104-2L-e": Part(lut=1_182_240, ff=2_364_480, dsp=6_840),
    "xcvu9p-flga2577-2-e": Part(lut=1_182_240, ff=2_364_480, dsp=6_840),
    "xcvu13p-flga2577-2-e": Part(lut=1_728_000, ff=3_456_000, dsp=12_288),
    "xcku115-flvb2104-2-i": Part(lut=663_360, ff=1_326_720, dsp=5_520),
}
BACKENDS = ("Vitis",)
STRATEGIES = ("Latency", "Resource", "distributed_arithmetic")
IO_TYPES = ("io_parallel", "io_stream")


@dataclass(frozen=True, kw_only=True)
class FirmwareSettings:
    """Settings of a conversion.

    Parameters
    ----------
    part : str
        Device, one of ``PARTS``.
    clock_period_ns : float
        Target clock period in ns; a target, until a tool has closed it. Default: the 360 MHz of CMS Phase-2 boards.
    clock_margin : float
        Fraction of the period that the pipeline's estimated delay leaves unused (0 to 0.9).
    latency_budget_ns : float or None
        Largest latency allowed, in ns; None: no limit.
    backend, strategy, io_type : str
        hls4ml's names.
    reuse_factor : int or mapping of layer name to int
        hls4ml's reuse factor; 1 is fully parallel.

    Raises
    ------
    UserError
        A value is outside its set or range.
    """

    part: str = "xcvu13p-flga2577-2-e"
    clock_period_ns: float = 2.778
    clock_margin: float = 0.1
    latency_budget_ns: float | None = None
    backend: str = "Vitis"
    strategy: str = "Latency"
    io_type: str = "io_parallel"
    reuse_factor: int | Mapping[str, int] = 1

    def __post_init__(self) -> None:
        _one_of("part", self.part, tuple(PARTS))
        _one_of("backend", self.backend, BACKENDS)
        _one_of("strategy", self.strategy, STRATEGIES)
        _one_of("io_type", self.io_type, IO_TYPES)
        if not 0.5 <= self.clock_period_ns <= 1000:
            raise UserError(f"clock_period_ns must be 0.5 to 1000, not {self.clock_period_ns}; 360 MHz is 2.778")
        if not 0 <= self.clock_margin <= 0.9:
            raise UserError(f"clock_margin must be 0 to 0.9 (a fraction of the period), not {self.clock_margin}")
        if self.latency_budget_ns is not None and self.latency_budget_ns <= 0:
            raise UserError(f"latency_budget_ns must be above 0 or null, not {self.latency_budget_ns}")
        if self.latency_budget_ns is not None and self.latency_budget_ns < self.clock_period_ns:
            raise UserError(
                f"latency_budget_ns must be at least one clock period of {self.clock_period_ns:g} ns (ports are "
                f"registered), not {self.latency_budget_ns:g}; raise it, or shorten clock_period_ns"
            )
        factors = self.reuse_factor.values() if isinstance(self.reuse_factor, Mapping) else [self.reuse_factor]
        for factor in factors:
            if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
                raise UserError(f"reuse_factor must be an integer of at least 1, not {factor!r}; 1 is fully parallel")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"{name} must be one of {', '.join(allowed)}, not '{value}'")
