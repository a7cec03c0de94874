"""The verdict on an RTL simulation: order, counts, latency, rate, resets, X and Z. Words are compared elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.verify.schedule import Schedule

__all__ = ["Timing", "judge_timing"]

_SHOWN = 3


@dataclass(frozen=True)
class Timing:
    """What the edges say.

    Parameters
    ----------
    sent : int
        Events that must come out.
    rows : int array of shape (matched,)
        Event of the stimulus behind each captured row that could be matched.
    captured : int array of shape (matched,)
        Index of that captured row.
    lost : int
        Events that did not come out, and outputs that no event explains.
    latency_cycles : int or None
        Clock edges from the one that samples ``in_valid`` to the one that samples ``out_valid``; None: not the same
        for all events.
    ii : int or None
        Smallest distance in cycles between outputs while events enter back to back; None: fewer than two.
    problems : tuple of str
        What differs from what the project states, in words.
    """

    sent: int
    rows: NDArray[np.int64]
    captured: NDArray[np.int64]
    lost: int
    latency_cycles: int | None
    ii: int | None
    problems: tuple[str, ...]


def judge_timing(schedule: Schedule, valid_edges: NDArray[np.int32], *, latency_cycles: int, ii: int) -> Timing:
    """Match outputs to events, by order before the phase with resets and by the clock edge within it.

    Parameters
    ----------
    schedule : Schedule
    valid_edges : int array
        Edges that sampled ``out_valid`` high.
    latency_cycles, ii : int
        What the project states; a difference is a problem.
    """
    sends = np.flatnonzero(schedule.valid & ~schedule.rst)
    before = sends[sends < schedule.resets_from]
    early = valid_edges[valid_edges < schedule.resets_from].astype(np.int64)
    problems: list[str] = []
    matched = min(len(before), len(early))
    lost = abs(len(before) - len(early))
    if lost:
        problems.append(f"{len(before)} events entered without a reset, and {len(early)} came out")
    delays = early[:matched] - before[:matched]
    latency = int(delays[0]) if matched and not lost and (delays == delays[0]).all() else None
    if latency is None:
        shown = sorted(set(delays.tolist()))[:_SHOWN]
        problems.append(f"latency must be {latency_cycles} cycles for every event, not {shown or 'unknown'}")
    elif latency != latency_cycles:
        problems.append(f"latency must be {latency_cycles} cycles as the project states, not {latency}")
    measured_ii = _rate(early[: schedule.back_to_back])
    if schedule.back_to_back > 1 and measured_ii != ii:
        problems.append(f"ii must be {ii} as the project states, not {measured_ii}")

    resets = _Resets(schedule, latency if latency is not None else latency_cycles)
    late = valid_edges[valid_edges >= schedule.resets_from].astype(np.int64)
    stale = np.setdiff1d(late, resets.expected)
    missing = np.setdiff1d(resets.expected, late)
    if len(stale):
        problems.append(
            f"{len(stale)} outputs came out that a reset should have cleared, first at clock edge {stale[0]}"
        )
    if len(missing):
        problems.append(f"{len(missing)} events around resets did not come out, first at clock edge {missing[0]}")
    _, at_expected, at_late = np.intersect1d(resets.expected, late, return_indices=True)
    return Timing(
        sent=len(before) + len(resets.expected),
        rows=schedule.bus[np.concatenate([before[:matched], resets.sends[at_expected]])].astype(np.int64),
        captured=np.concatenate([np.arange(matched), len(early) + at_late]),
        lost=lost + len(stale) + len(missing), latency_cycles=latency, ii=measured_ii, problems=tuple(problems),
    )  # fmt: skip


class _Resets:
    """Events of the last phase that no reset meets on their way, and the edges at which they must come out."""

    def __init__(self, schedule: Schedule, latency: int) -> None:
        sends = np.flatnonzero(schedule.valid & ~schedule.rst)
        sends = sends[sends >= schedule.resets_from]
        resets_up_to = np.concatenate([[0], np.cumsum(schedule.rst)])
        # The registers that an event passes are written by its own edge and the latency - 1 edges after it.
        last = np.minimum(sends + latency, len(schedule.rst))
        self.sends = sends[resets_up_to[last] == resets_up_to[sends]]
        self.expected = self.sends + latency


def _rate(edges: NDArray[np.int64]) -> int | None:
    """Smallest distance if every distance is that one; otherwise the largest, which is what a user would see."""
    distances = np.diff(edges)
    if not len(distances):
        return None
    return int(distances.min()) if (distances == distances[0]).all() else int(distances.max())
