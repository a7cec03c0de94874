"""When what leaves the finder, in clocks, from its shape and the pipelines of its networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from firmware.rtl import estimate_latency_cycles, stage_budget_ns
from firmware.settings import FirmwareSettings
from firmware.vertex.finder import VertexFinder
from firmware.vertex.programs import FinderPrograms, trace_finder

__all__ = ["FinderTiming", "finder_latency", "finder_timing"]

# alkaid's delays of adders, multiplexers and gates in ns (see firmware.rtl.pipeline).
_ADDER, _ADDER_BIT = 1.094, 0.0254
_TERNARY, _TERNARY_BIT = 1.3125, 0.03125
_GATE = 0.5


@dataclass(frozen=True)
class FinderTiming:
    """Clocks of a finder.

    Parameters
    ----------
    latency_cycles : int
        Clock edges from the one that samples ``in_last`` to the one that samples ``vertex_valid`` high.
    ii : int
        Fewest clocks from one ``in_last`` to the next.
    association_latency : int
        Clock edges from the one that samples ``vertex_valid`` high to the one that samples the first clock of the
        replay of that event's tracks; the replay takes ``tracks_per_lane`` clocks.
    slots : int
        Events that the track buffers hold.
    merge_arity : int
        Operands of the adders that join the lanes' histograms.
    blocks : mapping of str to int
        What each block adds to ``latency_cycles``, in the order of an event's way; ``rows`` are the clocks in which
        the rows behind the first follow.
    """

    latency_cycles: int
    ii: int
    association_latency: int
    slots: int
    merge_arity: int
    blocks: Mapping[str, int]


def finder_latency(finder: VertexFinder, settings: FirmwareSettings) -> int:
    """Clock edges from the one that samples ``in_last`` to the one that samples ``vertex_valid``."""
    return finder_timing(finder, settings).latency_cycles


def finder_timing(
    finder: VertexFinder, settings: FirmwareSettings, programs: FinderPrograms | None = None
) -> FinderTiming:  # fmt: skip
    """Clocks of the Verilog that these settings give; nothing is written.

    Parameters
    ----------
    finder : VertexFinder
    settings : FirmwareSettings
        Clock and margin are used.
    programs : optional
        Anything with the programs ``weight``, ``pattern`` and ``association``, traced with the settings' stage
        budget; None: they are traced here.

    Raises
    ------
    UserError
        An operation of a network cannot fit a stage.
    """
    programs = programs or trace_finder(finder, stage_ns=stage_budget_ns(settings))
    weight, pattern, association = (
        estimate_latency_cycles(program, settings)
        for program in (programs.weight, programs.pattern, programs.association)
    )
    arity = merge_arity(finder, settings)
    blocks = {
        "input": 2, "weight": weight, "histogram": 3, "merge": _levels(finder.lanes, arity), "window": 1,
        "pattern": pattern, "rows": finder.rows - 1, "argmax": _bits(finder.bins_per_clock) + 1,
    }  # fmt: skip
    latency = sum(blocks.values())
    ii = max(finder.tracks_per_lane, finder.rows + 1)
    # A slot is written again only after its event's vertex is known and its replay has begun; see docs.
    slots = -(-(latency + 1) // ii) + 1
    return FinderTiming(latency, ii, association + 4, slots, arity, MappingProxyType(blocks))


def merge_arity(finder: VertexFinder, settings: FirmwareSettings) -> int:
    """3 where an adder of three operands and the saturation fit a stage by the estimate, else 2."""
    return 3 if _TERNARY + _TERNARY_BIT * _merged_bits(finder) + _GATE <= stage_budget_ns(settings) else 2


def block_delays_ns(finder: VertexFinder, settings: FirmwareSettings) -> dict[str, float]:
    """Longest path of each of our own blocks in ns, by the same estimate as the networks' stages."""
    merged = _merged_bits(finder)
    adder = _TERNARY + _TERNARY_BIT * merged if merge_arity(finder, settings) == 3 else _ADDER + _ADDER_BIT * merged
    key = finder.pattern_format.width + _bits(finder.bins)
    # A multiplexer of 4 takes one level of logic, as does a read of a memory of up to 64 words.
    lookups = -(-(_bits(2 * finder.rows) - 6) // 2) if 2 * finder.rows > 64 else 0
    read = 1 + lookups + -(-_bits(finder.bins_per_clock) // 2)
    return {
        "histogram": max(
            read * _GATE, _ADDER + _ADDER_BIT * max(finder.histogram.width, finder.weight_format.width) + 2 * _GATE
        ),
        "merge": adder + _GATE, "window": _GATE, "argmax": _ADDER + _ADDER_BIT * key + _GATE,
        "distance": max(_ADDER + _ADDER_BIT * finder.z0.width, 2 * _GATE),
        "association": _ADDER + _ADDER_BIT * finder.association_format.width,
    }  # fmt: skip


def _merged_bits(finder: VertexFinder) -> int:
    return finder.histogram.width + max(_bits(finder.lanes), 1)


def _levels(lanes: int, arity: int) -> int:
    levels = 1
    while arity**levels < lanes:
        levels += 1
    return levels


def _bits(count: int) -> int:
    return (count - 1).bit_length()
