"""The finder's emulator: every integer that the firmware computes, for many events at once.

Networks are their adder graphs' programs, the same that are written to Verilog. A network of few input bits becomes a
table: an entry is what the program gave for that input, computed when it is first needed and kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from firmware.adder_graph import Program, emulate
from firmware.vertex.blocks import FinderTrace, join_parts
from firmware.vertex.events import FinderEvents, FinderOutputs, check_events, field_words
from firmware.vertex.finder import (
    ASSOCIATION,
    DISTANCE,
    HISTOGRAM,
    PATTERN,
    VALID,
    WEIGHT,
    Feature,
    VertexFinder,
)
from firmware.vertex.programs import FinderPrograms, trace_finder

__all__ = ["FinderEmulator", "emulate_finder"]

Words = NDArray[np.int64]

_TABLE_BITS = 24
"""Input bits of a network that is tabulated: at most 16 million entries."""

_CHUNK_TRACKS = 100_000
_CHUNK_EVENTS = 1_000
_KEPT = 2
"""Finders whose emulators are kept."""


def emulate_finder(finder: VertexFinder, events: FinderEvents, *, threads: int = 0) -> FinderOutputs:
    """What the finder says of events.

    Parameters
    ----------
    finder : VertexFinder
        Adder graphs and tables of the last finders are kept.
    events : FinderEvents
    threads : int
        Threads of the adder graphs' interpreter; 0: all.

    Returns
    -------
    FinderOutputs

    Raises
    ------
    UserError
        The events cannot enter this finder.
    """
    return _kept_emulator(finder).run(events, threads=threads)


@lru_cache(maxsize=_KEPT)
def _kept_emulator(finder: VertexFinder) -> FinderEmulator:
    return FinderEmulator(finder)


class FinderEmulator:
    """A finder ready to be run.

    Parameters
    ----------
    finder : VertexFinder
    programs : FinderPrograms, optional
        Default: traced anew.
    """

    def __init__(self, finder: VertexFinder, programs: FinderPrograms | None = None) -> None:
        programs = programs if programs is not None else trace_finder(finder, fast=True)
        self.finder = finder
        self._weight = _ScalarNetwork(programs.weight, WEIGHT)
        self._association = _ScalarNetwork(programs.association, ASSOCIATION)
        self._pattern = programs.pattern
        self._order = _preference(finder.bins)

    def run(self, events: FinderEvents, *, threads: int = 0) -> FinderOutputs:
        """What the finder says; arguments as of `emulate_finder`."""
        return join_parts([outputs for outputs, _ in self._chunks(events, threads)])

    def trace(self, events: FinderEvents, *, threads: int = 0) -> tuple[FinderOutputs, FinderTrace]:
        """What the finder says, and the words between its blocks."""
        outputs, traces = zip(*self._chunks(events, threads), strict=True)
        return join_parts(list(outputs)), join_parts(list(traces))

    def _chunks(self, events: FinderEvents, threads: int) -> Iterator[tuple[FinderOutputs, FinderTrace]]:
        check_events(self.finder, events)
        for first, last in _pieces(events):
            yield self._chunk(events.take(first, last), threads)

    def _chunk(self, events: FinderEvents, threads: int) -> tuple[FinderOutputs, FinderTrace]:
        finder, event = self.finder, events.event
        kept, truncated = _kept_tracks(finder, events, event)
        place = np.flatnonzero(kept)
        owner, words = event[place], events.words[place]
        features = {feature.name: _feature_words(finder, feature, words) for feature in finder.features}
        weight = self._weight.run(features, len(place), threads)
        z0 = field_words(words, finder.z0)
        histogram = _histogram(finder, owner, z0, weight, len(events))
        pattern = _pattern(finder, self._pattern, histogram, threads)
        bin = self._order[pattern[:, self._order].argmax(axis=1)]
        vertex = finder.centre(bin)
        distance = np.abs(z0 - vertex[owner]) >> finder.distance_shift
        distance = np.minimum(distance, finder.distance_format.highest)
        association = self._association.run({**features, DISTANCE: distance}, len(place), threads)

        def spread(kept_words: Words) -> Words:
            spread_words = np.zeros(len(kept), np.int64)
            spread_words[place] = kept_words
            return spread_words

        outputs = FinderOutputs(
            bin=bin, z0=vertex, peak=pattern[np.arange(len(bin)), bin], truncated=truncated, kept=kept,
            weight=spread(weight), association=spread(association),
        )  # fmt: skip
        trace = FinderTrace(
            {name: spread(word) for name, word in features.items()}, histogram, pattern, spread(distance)
        )
        return outputs, trace


class _ScalarNetwork:
    """A network of scalar inputs and one output: a table filled as it is used, if its inputs are few bits."""

    def __init__(self, program: Program, output: str) -> None:
        self._program = program
        self._output = output
        bits = sum(port.format.width for port in program.inputs)
        width = program.outputs[0].format.width
        self._table: NDArray[np.signedinteger] | None = None
        if bits <= _TABLE_BITS:
            dtype = np.int32 if width < 32 else np.int64
            # The lowest number of the type is no word of a format that is narrower: it marks what is not known yet.
            self._unknown = np.iinfo(dtype).min
            self._table = np.full(1 << bits, self._unknown, dtype)

    def run(self, values: Mapping[str, Words], count: int, threads: int) -> Words:
        """Output words for input words of shape (tracks,); inputs that the network has not are left aside."""
        if not count:
            return np.zeros(0, np.int64)
        if self._table is None:
            return self._compute({port.name: values[port.name] for port in self._program.inputs}, threads)
        address = np.zeros(count, np.int64)
        for port in self._program.inputs:
            address = (address << port.format.width) | values[port.name]
        words = self._table[address]
        new = words == self._unknown
        if new.any():
            missing = np.unique(address[new])
            self._table[missing] = self._compute(self._inputs(missing), threads)
            words = self._table[address]
        return words.astype(np.int64)

    def _inputs(self, address: Words) -> dict[str, Words]:
        inputs = {}
        for port in reversed(self._program.inputs):
            inputs[port.name] = address & port.format.highest
            address = address >> port.format.width
        return inputs

    def _compute(self, inputs: Mapping[str, Words], threads: int) -> Words:
        words = emulate(self._program, {name: array[:, None] for name, array in inputs.items()}, threads)
        return words[self._output][:, 0]


def _pieces(events: FinderEvents) -> Iterator[tuple[int, int]]:
    """Ranges of events that are worked on at once, so that memory stays flat; at least one, if only of no event."""
    first = 0
    while True:
        within = int(np.searchsorted(events.start, events.start[first] + _CHUNK_TRACKS, side="right")) - 1
        last = min(max(within, first + 1), first + _CHUNK_EVENTS, len(events))
        yield first, last
        first = last
        if first >= len(events):
            return


def _kept_tracks(
    finder: VertexFinder, events: FinderEvents, event: Words
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tracks enter, and which events lost some."""
    kept = field_words(events.words, finder.fields[VALID]) == 1
    truncated = np.zeros(len(events), np.bool_)
    group = event * finder.lanes + events.lane
    count = np.bincount(group[kept], minlength=len(events) * finder.lanes)
    full = count > finder.tracks_per_lane
    if full.any():
        truncated[np.flatnonzero(full) // finder.lanes] = True
        place = np.flatnonzero(kept & full[group])
        place = place[np.argsort(group[place], kind="stable")]
        crowded = count[full]
        position = np.arange(len(place)) - np.repeat(np.cumsum(crowded) - crowded, crowded)
        kept[place[position >= finder.tracks_per_lane]] = False
    return kept, truncated


def _feature_words(finder: VertexFinder, feature: Feature, words: NDArray[np.uint32]) -> Words:
    field = finder.fields[feature.field]
    address = field_words(words, field)
    if field.signed:
        address = np.where(address < 0, ~address, address)
    address >>= feature.shift
    return address if feature.table is None else feature.table[address]


def _histogram(finder: VertexFinder, owner: Words, z0: Words, weight: Words, events: int) -> Words:
    bin = (z0 + (1 << (finder.z0.width - 1))) >> finder.bin_shift
    # The sums of these float64 are exact: at most 2**14 weights, of fewer than 39 bits.
    assert finder.weight_format.width < 39
    sums = np.bincount(owner * finder.bins + bin, weights=weight, minlength=events * finder.bins)
    return np.minimum(sums, finder.histogram.highest).astype(np.int64).reshape(events, finder.bins)


def _pattern(finder: VertexFinder, program: Program, histogram: Words, threads: int) -> Words:
    """The convolution, a row of bins at a time as in the firmware."""
    reach = finder.kernel_size // 2
    padded = np.pad(histogram, ((0, 0), (reach, reach)))
    windows = sliding_window_view(padded, finder.bins_per_clock + 2 * reach, axis=1)[:, :: finder.bins_per_clock]
    rows = windows.reshape(-1, windows.shape[-1], 1)
    return emulate(program, {HISTOGRAM: rows}, threads)[PATTERN].reshape(histogram.shape)


def _preference(bins: int) -> Words:
    """Bins from the one that wins every tie to the one that loses every tie: middle first, lower before higher."""
    bin = np.arange(bins)
    return np.lexsort((bin, np.abs(2 * bin - (bins - 1))))
