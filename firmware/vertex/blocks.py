"""The finder's blocks in the order of the data, and which of them two ways of computing first disagree in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from firmware.vertex.events import FinderOutputs

__all__ = ["FinderTrace", "first_block", "join_parts", "likely_block"]

Words = NDArray[np.int64]
_Value = TypeVar("_Value")


@dataclass(frozen=True, eq=False)
class FinderTrace:
    """Words between the finder's blocks; 0 where a track is not kept.

    Parameters
    ----------
    features : mapping of feature name to int64 array of shape (tracks,)
    histogram : int64 array of shape (events, bins)
        After saturation.
    pattern : int64 array of shape (events, bins)
    distance : int64 array of shape (tracks,)
        What enters the association network.
    """

    features: Mapping[str, Words]
    histogram: Words
    pattern: Words
    distance: Words


def first_block(
    expected: tuple[FinderOutputs, FinderTrace], received: tuple[FinderOutputs, FinderTrace]
) -> str | None:
    """The first block whose words differ: ``lanes`` (which tracks are kept), ``features``, ``weight``, ``histogram``,
    ``pattern``, ``argmax``, ``distance`` or ``association``; None if all agree.
    """  # fmt: skip
    (outputs, trace), (other, other_trace) = expected, received
    pairs: list[tuple[str, NDArray[np.generic], NDArray[np.generic]]] = [
        ("lanes", outputs.kept, other.kept),
        ("lanes", outputs.truncated, other.truncated),
        *(("features", trace.features[name], other_trace.features[name]) for name in trace.features),
        ("weight", outputs.weight, other.weight),
        ("histogram", trace.histogram, other_trace.histogram),
        ("pattern", trace.pattern, other_trace.pattern),
        ("argmax", outputs.bin, other.bin),
        ("argmax", outputs.z0, other.z0),
        ("argmax", outputs.peak, other.peak),
        ("distance", trace.distance, other_trace.distance),
        ("association", outputs.association, other.association),
    ]
    return next((block for block, one, two in pairs if not np.array_equal(one, two)), None)


def likely_block(outputs: FinderOutputs, trace: FinderTrace, received: FinderOutputs) -> str | None:
    """What can be told of one event from its outputs alone, the words between the blocks being out of sight.

    Parameters
    ----------
    outputs, trace : FinderOutputs, FinderTrace
        The emulator's, of that event.
    received : FinderOutputs
        Of that event; a weight of -1 is one that cannot be seen.

    Returns
    -------
    str or None
        A block, or several of which it is one; None if nothing differs.
    """
    kept = outputs.kept
    if not np.array_equal(kept, received.kept) or not np.array_equal(outputs.truncated, received.truncated):
        return "lanes"
    seen = kept & (received.weight >= 0)
    if not np.array_equal(outputs.weight[seen], received.weight[seen]):
        return "features or weight"
    if not np.array_equal(outputs.peak, received.peak) or not np.array_equal(outputs.bin, received.bin):
        bin, peak = int(received.bin[0]), int(received.peak[0])
        if 0 <= bin < trace.pattern.shape[1] and trace.pattern[0, bin] == peak:
            return "argmax"  # it is that bin's word, and not the bin to choose
        return "histogram or pattern" if seen.any() or not kept.any() else "features, weight, histogram or pattern"
    if not np.array_equal(outputs.z0, received.z0):
        return "argmax"
    if not np.array_equal(outputs.association[kept], received.association[kept]):
        return "distance or association"
    return None


def join_parts(parts: list[_Value]) -> _Value:
    """Outputs or words of some events, and of those that follow, as one; at least one part."""
    if len(parts) == 1:
        return parts[0]
    joined: dict[str, Any] = {}
    for field in fields(parts[0]):  # type: ignore[arg-type]  # all are dataclasses
        values = [getattr(part, field.name) for part in parts]
        if isinstance(values[0], Mapping):
            joined[field.name] = {name: np.concatenate([value[name] for value in values]) for name in values[0]}
        else:
            joined[field.name] = np.concatenate(values)
    return type(parts[0])(**joined)
