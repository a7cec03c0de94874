"""Words of many events, how far they moved, and a digest of what a layer computed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moved", "Seen", "Values", "compare_values", "digest", "digest_of_reals"]

Words = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Values:
    """Output words.

    Parameters
    ----------
    words : mapping of output name to int64 array
        The first axis counts events, unless ``owner`` says otherwise.
    fractions : mapping of output name to int
        A value is ``word * 2**-fraction``.
    events : int
    owner : mapping of output name to int64 array
        Of outputs with a word a track: the event of each.
    """

    words: Mapping[str, Words]
    fractions: Mapping[str, int]
    events: int
    owner: Mapping[str, Words] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Seen:
    """What one way of computing made of the golden inputs.

    Parameters
    ----------
    values : Values
    steps : mapping of layer or block to digest
        In the order of the data; those that can be seen.
    locate : callable
        Names the first layer that is wrong in one event, where digests do not tell; may answer None.
    """

    values: Values
    steps: Mapping[str, str]
    locate: Callable[[int], str | None] = lambda event: None


@dataclass(frozen=True)
class Moved:
    """How far words are from golden ones.

    Parameters
    ----------
    moved, events : int
        Events that differ, of so many.
    lsb : int
        Difference of largest magnitude, now minus golden, in last bits of the finer of both formats.
    event : int or None
        First one that differs.
    text : str
        Its first word that differs, for people.
    """

    moved: int
    events: int
    lsb: int = 0
    event: int | None = None
    text: str = ""


def compare_values(golden: Values, now: Values) -> Moved:
    """Compare value by value; another set of outputs or another shape moves every event."""
    strange = [
        f"output '{name}' must have shape {words.shape}, not "
        f"{now.words[name].shape if name in now.words else 'be missing'}"
        for name, words in golden.words.items()
        if name not in now.words or now.words[name].shape != words.shape
    ]
    strange += [f"output '{name}' is new" for name in now.words if name not in golden.words]
    if strange:
        return Moved(golden.events, golden.events, 0, None, "; ".join(strange))
    differs = np.zeros(golden.events, np.bool_)
    largest, first, text = 0, golden.events, ""
    for name, before in golden.words.items():
        fraction = max(golden.fractions[name], now.fractions[name])
        left = before << (fraction - golden.fractions[name])
        right = now.words[name] << (fraction - now.fractions[name])
        where = np.argwhere(left != right)
        if not len(where):
            continue
        owner = golden.owner[name][where[:, 0]] if name in golden.owner else where[:, 0]
        differs[owner] = True
        far = (right - left).ravel()
        far_most = int(far[np.abs(far).argmax()])
        largest = far_most if abs(far_most) > abs(largest) else largest
        if int(owner[0]) < first:
            first, at = int(owner[0]), tuple(int(i) for i in where[0])
            place = f"[{', '.join(map(str, at[1:]))}]" if len(at) > 1 else ""
            track = f", track {at[0]}" if name in golden.owner else ""
            text = f"event {first}{track}, {name}{place}: golden {left[at]}, now {right[at]}"
    count = int(differs.sum())
    return Moved(count, golden.events, largest, first if count else None, text)


def digest(words: NDArray[np.generic], fraction: int = 0) -> str:
    """Of values: the same for the same values in any fixed-point format that holds them."""
    array = words.astype(np.int64)
    bits = int(np.bitwise_or.reduce(array, axis=None)) if array.size else 0
    spare = (bits & -bits).bit_length() - 1 if bits else 0
    head = f"{array.shape} {fraction - spare if bits else 0} "
    return hashlib.sha256(head.encode() + (array >> spare).tobytes()).hexdigest()[:16]


def digest_of_reals(values: NDArray[np.float64], fraction: int) -> str:
    """The digest of values that should be multiples of ``2**-fraction``; of any others one that no words have."""
    scaled = np.ldexp(values, fraction)
    whole = np.rint(scaled)
    if not np.array_equal(whole, scaled) or np.any(np.abs(whole) >= 2.0**62):
        return hashlib.sha256(b"off the grid" + values.tobytes()).hexdigest()[:16]
    return digest(whole.astype(np.int64), fraction)
