"""What QKeras makes of events: the models' own graphs, and the blocks between them in plain float64.

Nothing here is the emulator's: fields come from single bits, bins and distances from real numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.network import Network
from firmware.network.qkeras_run import predict_words
from firmware.vertex.blocks import FinderTrace, join_parts
from firmware.vertex.events import FinderEvents, FinderOutputs
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

__all__ = ["predict_finder"]

Words = NDArray[np.int64]
_BLOCK_EVENTS = 2_000
"""Worked on at once."""


def predict_finder(
    finder: VertexFinder, models: Mapping[str, Any], described: Mapping[str, Network], events: FinderEvents
) -> tuple[FinderOutputs, FinderTrace]:
    """Outputs, and the words between the blocks.

    Parameters
    ----------
    finder : VertexFinder
        All but its networks is used.
    models : mapping of ``weight``, ``pattern``, ``association`` to tf_keras.Model
    described : mapping of the same names to Network
        Read from the models.
    events : FinderEvents

    Raises
    ------
    ArithmeticError, UserError
        A model's values are no words of its description, or its inputs are others.
    """
    blocks = [
        _predict(finder, models, described, events.take(first, first + _BLOCK_EVENTS))
        for first in range(0, max(len(events), 1), _BLOCK_EVENTS)
    ]
    outputs, traces = zip(*blocks, strict=True)
    return join_parts(list(outputs)), join_parts(list(traces))


def _predict(
    finder: VertexFinder, models: Mapping[str, Any], described: Mapping[str, Network], events: FinderEvents
) -> tuple[FinderOutputs, FinderTrace]:
    bits = np.unpackbits(events.words.view(np.uint8), axis=1, bitorder="little")
    owner = np.repeat(np.arange(len(events)), np.diff(events.start))
    kept, truncated = _kept(finder, events, _value(bits, finder.fields[VALID]) == 1)
    entered = np.flatnonzero(kept)
    bits, owner = bits[entered], owner[entered]
    z0 = _value(bits, finder.fields[Z0])
    features = {feature.name: _feature(finder, feature, bits) for feature in finder.features}
    weight = _distinct(models[WEIGHT], described[WEIGHT], features, len(entered))
    histogram = _histogram(finder, owner, z0, weight, len(events))
    pattern = _pattern(finder, models[PATTERN], described[PATTERN], histogram)
    bin = np.array([_peak_bin(row) for row in pattern], np.int64)
    width = 2.0**finder.z0.width / finder.bins
    vertex = np.floor((bin + 0.5) * width) - 2.0 ** (finder.z0.width - 1)
    distance = np.floor(np.abs(z0 - vertex[owner]) / 2.0**finder.distance_shift)
    distance = np.minimum(distance, finder.distance_format.highest).astype(np.int64)
    association = _distinct(
        models[ASSOCIATION], described[ASSOCIATION], {**features, DISTANCE: distance}, len(entered)
    )

    def spread(words: Words) -> Words:
        return _spread(words, entered, len(kept))

    outputs = FinderOutputs(
        bin=bin, z0=vertex.astype(np.int64), peak=pattern.max(axis=1, initial=np.iinfo(np.int64).min),
        truncated=truncated, kept=kept, weight=spread(weight), association=spread(association),
    )  # fmt: skip
    trace = FinderTrace({name: spread(words) for name, words in features.items()}, histogram, pattern, spread(distance))
    return outputs, trace


def _value(bits: NDArray[np.uint8], field: Field) -> NDArray[np.float64]:
    """A field as a real number: its bits times their weights, of which the sign's is negative."""
    weights = 2.0 ** np.arange(field.width)
    if field.signed:
        weights[-1] *= -1
    return bits[:, field.offset : field.offset + field.width] @ weights


def _kept(
    finder: VertexFinder, events: FinderEvents, valid: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    kept, truncated = np.zeros(len(valid), np.bool_), np.zeros(len(events), np.bool_)
    for event in range(len(events)):
        first, last = int(events.start[event]), int(events.start[event + 1])
        counts = valid[first:last]
        lanes = events.lane[first:last]
        before = np.zeros(last - first, np.int64)
        for lane in np.unique(lanes):
            mine = lanes == lane
            before[mine] = np.cumsum(counts[mine]) - counts[mine]
        kept[first:last] = counts & (before < finder.tracks_per_lane)
        truncated[event] = bool((counts & ~kept[first:last]).any())
    return kept, truncated


def _feature(finder: VertexFinder, feature: Feature, bits: NDArray[np.uint8]) -> Words:
    field = finder.fields[feature.field]
    value = _value(bits, field)
    magnitude = np.floor(np.abs(value + 0.5)) if field.signed else value
    address = np.floor(magnitude / 2.0**feature.shift).astype(np.int64)
    return address if feature.table is None else feature.table[address]


def _distinct(model: Any, network: Network, values: Mapping[str, Words], count: int) -> Words:
    """The model on every distinct input once."""
    if not count:
        return np.zeros(0, np.int64)
    names = [port.name for port in network.inputs]
    table = np.stack([values[name] for name in names])
    key = np.zeros(count, np.int64)
    for row in table:
        key = key * (int(row.max()) + 1) + row
    _, place, back = np.unique(key, return_index=True, return_inverse=True)
    words = predict_words(model, network, {name: row[place, None] for name, row in zip(names, table, strict=True)})
    return words[network.outputs[0]][back, 0]


def _histogram(finder: VertexFinder, owner: Words, z0: NDArray[np.float64], weight: Words, events: int) -> Words:
    lsb, highest = finder.histogram.lsb, finder.histogram.highest
    position = (z0 + 2.0 ** (finder.z0.width - 1)) / 2.0**finder.z0.width
    values = np.zeros((events, finder.bins))
    np.add.at(values, (owner, np.floor(position * finder.bins).astype(np.int64)), weight * finder.weight_format.lsb)
    return np.rint(np.minimum(values, highest * lsb) / lsb).astype(np.int64)


def _pattern(finder: VertexFinder, model: Any, network: Network, histogram: Words) -> Words:
    reach, columns = finder.kernel_size // 2, finder.bins_per_clock
    beyond = np.zeros((len(histogram), reach), np.int64)
    edged = np.hstack([beyond, histogram, beyond])
    rows = [edged[:, start : start + columns + 2 * reach] for start in range(0, finder.bins, columns)]
    windows = np.stack(rows, axis=1).reshape(-1, columns + 2 * reach, 1)
    return predict_words(model, network, {HISTOGRAM: windows})[PATTERN].reshape(histogram.shape)


def _peak_bin(results: Words) -> int:
    equal = np.flatnonzero(results == results.max()).tolist()
    middle = (len(results) - 1) / 2
    return int(min(equal, key=lambda bin: (abs(bin - middle), bin)))


def _spread(words: Words, entered: Words, tracks: int) -> Words:
    result = np.zeros(tracks, np.int64)
    result[entered] = words
    return result
