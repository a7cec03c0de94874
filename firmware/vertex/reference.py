"""What the finder computes, rule by rule as described: slow, readable, and what the rest is compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware.network.network import Network
from firmware.network.reference import evaluate
from firmware.vertex.blocks import FinderTrace
from firmware.vertex.events import FinderEvents, FinderOutputs, check_events
from firmware.vertex.finder import (
    ASSOCIATION,
    DISTANCE,
    HISTOGRAM,
    PATTERN,
    VALID,
    WEIGHT,
    Z0,
    Feature,
    Field,
    VertexFinder,
)

__all__ = ["evaluate_blocks", "evaluate_finder"]


def evaluate_finder(finder: VertexFinder, events: FinderEvents) -> FinderOutputs:
    """What the finder says of events, one event at a time.

    Parameters
    ----------
    finder : VertexFinder
    events : FinderEvents

    Returns
    -------
    FinderOutputs

    Raises
    ------
    UserError
        The events cannot enter this finder.
    """
    return evaluate_blocks(finder, events)[0]


def evaluate_blocks(finder: VertexFinder, events: FinderEvents) -> tuple[FinderOutputs, FinderTrace]:
    """The same, and the words between the finder's blocks."""
    check_events(finder, events)
    count, tracks, bins = len(events), len(events.words), finder.bins
    vertex = {name: np.zeros(count, np.int64) for name in ("bin", "z0", "peak")}
    track = {name: np.zeros(tracks, np.int64) for name in ("weight", "distance", "association")}
    features = {feature.name: np.zeros(tracks, np.int64) for feature in finder.features}
    truncated, kept = np.zeros(count, np.bool_), np.zeros(tracks, np.bool_)
    histograms, patterns = np.zeros((count, bins), np.int64), np.zeros((count, bins), np.int64)
    for number in range(count):
        members = range(int(events.start[number]), int(events.start[number + 1]))
        words = {member: _whole_word(events.words[member]) for member in members}
        entered, truncated[number] = _entered(finder, {member: int(events.lane[member]) for member in members}, words)
        kept[entered] = True
        z0 = [_field(words[member], finder.fields[Z0]) for member in entered]
        inputs = {f.name: [_feature(finder, f, words[member]) for member in entered] for f in finder.features}
        weights = _scalar(finder.weight, inputs, WEIGHT, len(entered))
        histogram = _filled(finder, z0, weights)
        pattern = _convolved(finder, histogram)
        bin, peak = _largest(pattern)
        centre = _centre(finder, bin)
        distances = [_distance(finder, z, centre) for z in z0]
        associations = _scalar(finder.association, {**inputs, DISTANCE: distances}, ASSOCIATION, len(entered))
        vertex["bin"][number], vertex["z0"][number], vertex["peak"][number] = bin, centre, peak
        histograms[number], patterns[number] = histogram, pattern
        for name, found in (("weight", weights), ("distance", distances), ("association", associations)):
            track[name][entered] = found
        for name, found in inputs.items():
            features[name][entered] = found
    outputs = FinderOutputs(
        **vertex, truncated=truncated, kept=kept, weight=track["weight"], association=track["association"]
    )
    return outputs, FinderTrace(features, histograms, patterns, track["distance"])


def _whole_word(words: NDArray[np.uint32]) -> int:
    return sum(int(word) << (32 * place) for place, word in enumerate(words))


def _field(word: int, field: Field) -> int:
    value = (word >> field.offset) % 2**field.width
    return value - 2**field.width if field.signed and value >= 2 ** (field.width - 1) else value


def _entered(finder: VertexFinder, lanes: dict[int, int], words: dict[int, int]) -> tuple[list[int], bool]:
    """The tracks that are kept, and whether a lane dropped one."""
    entered, truncated = [], False
    held = [0] * finder.lanes
    for track, word in words.items():
        if _field(word, finder.fields[VALID]) == 0:
            continue
        if held[lanes[track]] == finder.tracks_per_lane:
            truncated = True
            continue
        held[lanes[track]] += 1
        entered.append(track)
    return entered, truncated


def _feature(finder: VertexFinder, feature: Feature, word: int) -> int:
    field = finder.fields[feature.field]
    value = _field(word, field)
    address = (-value - 1 if value < 0 else value) // 2**feature.shift
    return address if feature.table is None else int(feature.table[address])


def _scalar(network: Network, values: dict[str, list[int]], output: str, count: int) -> list[int]:
    if not count:
        return []
    inputs = {port.name: np.array(values[port.name], np.int64).reshape(count, 1) for port in network.inputs}
    tensor = evaluate(network, inputs)[output]
    return [int(word) for word in tensor.words[:, 0]]


def _filled(finder: VertexFinder, z0: list[int], weights: list[int]) -> list[int]:
    lowest = -(2 ** (finder.z0.width - 1))
    histogram = [0] * finder.bins
    for z, weight in zip(z0, weights, strict=True):
        bin = (z - lowest) * finder.bins // 2**finder.z0.width
        histogram[bin] = min(histogram[bin] + weight, finder.histogram.highest)
    return histogram


def _convolved(finder: VertexFinder, histogram: list[int]) -> list[int]:
    reach = (finder.kernel_size - 1) // 2
    results: list[int] = []
    for first in range(0, finder.bins, finder.bins_per_clock):
        window = [
            histogram[bin] if 0 <= bin < finder.bins else 0
            for bin in range(first - reach, first + finder.bins_per_clock + reach)
        ]
        tensor = evaluate(finder.pattern, {HISTOGRAM: np.array(window, np.int64).reshape(1, -1, 1)})[PATTERN]
        results += [int(word) for word in tensor.words[0, :, 0]]
    return results


def _largest(results: list[int]) -> tuple[int, int]:
    """Bin and value of the largest; of equal ones that nearest the middle; of two as near the lower."""
    peak = max(results)
    equal = [bin for bin, result in enumerate(results) if result == peak]
    middle = (len(results) - 1) / 2
    nearest = min(abs(bin - middle) for bin in equal)
    return min(bin for bin in equal if abs(bin - middle) == nearest), peak


def _centre(finder: VertexFinder, bin: int) -> int:
    steps = 2**finder.z0.width // finder.bins
    return bin * steps + steps // 2 - 2 ** (finder.z0.width - 1)


def _distance(finder: VertexFinder, z0: int, vertex: int) -> int:
    return min(abs(z0 - vertex) // 2**finder.distance_shift, finder.distance_format.highest)
