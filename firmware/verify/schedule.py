"""When each event enters the pipeline: back to back, with gaps, and around resets."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Schedule", "make_schedule"]

_RESET_BURSTS = 12


@dataclass(frozen=True)
class Schedule:
    """Three lines of control, one entry a clock edge.

    Parameters
    ----------
    valid, rst : bool array of shape (edges,)
    bus : int32 array of shape (edges,)
        Event on the data inputs; where ``valid`` is low, some other event, which must not come out.
    back_to_back : int
        Number of events of the first phase.
    resets_from : int
        First edge of the phase with resets; what was sent before is out by then.
    """

    valid: NDArray[np.bool_]
    rst: NDArray[np.bool_]
    bus: NDArray[np.int32]
    back_to_back: int
    resets_from: int


def make_schedule(n_events: int, rtl_events: int, *, ii: int, latency_cycles: int, seed: int = 0) -> Schedule:
    """Reset; ``rtl_events`` events back to back; then events with random gaps; then bursts cut by resets.

    Parameters
    ----------
    n_events : int
        Events to choose from; fewer ``rtl_events`` are spread evenly over them, more start again from the first.
    rtl_events : int
        Events of the first phase. The second has a twentieth of that, at least 32.
    ii : int
        Clock cycles from one event to the next.
    latency_cycles : int
        Expected latency: phases are separated by more than twice that.
    seed : int

    Returns
    -------
    Schedule
        ``in_valid`` is also high during resets, whose events must vanish.
    """
    rng = np.random.default_rng(seed)
    drain = 2 * latency_cycles + 16
    line = _Timeline(rng, n_events, ii)
    line.reset(2)
    for row in _spread(n_events, rtl_events):
        line.send(int(row))
    line.idle(drain)
    for row in rng.integers(0, n_events, max(32, rtl_events // 20)):
        line.send(int(row))
        line.idle(int(rng.geometric(0.4)) - 1)
    line.idle(drain)
    resets_from = len(line.valid)
    for burst in range(_RESET_BURSTS):
        # A reset meets a pipeline that is filling, full, and draining.
        for row in rng.integers(0, n_events, rng.integers(1, 2 * latency_cycles + 2)):
            line.send(int(row))
        line.idle(int(rng.integers(0, latency_cycles + 1)) if burst % 3 == 2 else 0)
        line.reset(1 + burst % 2)
    for row in rng.integers(0, n_events, 2 * latency_cycles + 2):
        line.send(int(row))
    line.idle(drain)
    return Schedule(
        valid=np.array(line.valid, np.bool_), rst=np.array(line.rst, np.bool_), bus=np.array(line.bus, np.int32),
        back_to_back=rtl_events, resets_from=resets_from,
    )  # fmt: skip


def _spread(n_events: int, count: int) -> NDArray[np.int64]:
    if count < n_events:
        return np.arange(count, dtype=np.int64) * n_events // count
    return np.arange(count, dtype=np.int64) % n_events


@dataclass
class _Timeline:
    rng: np.random.Generator
    n_events: int
    ii: int
    valid: list[bool] = field(default_factory=list)
    rst: list[bool] = field(default_factory=list)
    bus: list[int] = field(default_factory=list)

    def send(self, row: int) -> None:
        self._add(valid=True, rst=False, row=row)
        self.idle(self.ii - 1)

    def idle(self, edges: int) -> None:
        for _ in range(edges):
            self._add(valid=False, rst=False, row=int(self.rng.integers(self.n_events)))

    def reset(self, edges: int) -> None:
        for _ in range(edges):
            self._add(valid=True, rst=True, row=int(self.rng.integers(self.n_events)))

    def _add(self, *, valid: bool, rst: bool, row: int) -> None:
        self.valid.append(valid)
        self.rst.append(rst)
        self.bus.append(row)
