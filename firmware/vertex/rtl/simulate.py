"""The finder's Verilog under simulation: every event once, then bursts that resets cut; what comes out, and when."""

from __future__ import annotations

from pathlib import Path

from firmware.errors import UserError
from firmware.vertex.events import FinderEvents, check_events
from firmware.vertex.finder import VertexFinder
from firmware.vertex.rtl.capture import read_ports, run_schedule
from firmware.vertex.rtl.judge import FinderSimulation, judge
from firmware.vertex.rtl.schedule import make_schedule

__all__ = ["FinderSimulation", "simulate_finder"]


def simulate_finder(
    rtl_dir: Path, finder: VertexFinder, events: FinderEvents, *, threshold: int = 0, simulator: str = "verilator",
    seed: int = 0, gaps: float = 0.25, resets: int = 12,
) -> FinderSimulation:  # fmt: skip
    """Simulate a finder's Verilog.

    Parameters
    ----------
    rtl_dir : Path
        What `write_finder_rtl` wrote; it may have been edited since.
    finder : VertexFinder
    events : FinderEvents
    threshold : int
        Word that ``association_threshold`` holds.
    simulator : str
        ``verilator`` or ``icarus``.
    seed : int
    gaps : float
        Fraction of the events that enter with gaps; the rest enter packed, at the highest rate.
    resets : int
        Resets behind the events, each amid a burst of some of them.

    Returns
    -------
    FinderSimulation

    Raises
    ------
    UserError
        The events cannot enter this finder, the threshold is no word of its port, the folder or a tool is not there.
    ToolFailure
        The simulator refuses the Verilog, or breaks off.
    """
    check_events(finder, events)
    table = read_ports(rtl_dir)
    if (table.lanes, table.word_bits, table.tracks_per_lane) != (
        finder.lanes, finder.word_bits, finder.tracks_per_lane,
    ):  # fmt: skip
        raise UserError(f"Verilog in '{rtl_dir.name}' must be that of finder '{finder.name}'; generate it again")
    if not finder.association_format.lowest <= threshold <= finder.association_format.highest:
        raise UserError(
            f"threshold must be a word of {finder.association_format.width} bits, {finder.association_format.lowest} "
            f"to {finder.association_format.highest}, not {threshold}"
        )
    drain = table.latency_cycles + table.association_latency + table.tracks_per_lane
    schedule = make_schedule(
        finder, events, ii=table.ii, latency_cycles=drain, gaps=gaps, resets=resets, seed=seed
    )  # fmt: skip
    capture = run_schedule(table, events, schedule, threshold=threshold, simulator=simulator, seed=seed)
    return judge(finder, events, table, schedule, capture, threshold)
