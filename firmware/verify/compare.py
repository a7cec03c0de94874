"""Integers against integers: how many events differ, and where the first one does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.verify.stimulus import Stimulus

__all__ = ["Comparison", "Mismatch", "Outputs", "compare", "to_fraction"]


@dataclass(frozen=True)
class Outputs:
    """Output words, and the fraction bits of each output.

    Parameters
    ----------
    words : mapping of output name to int64 array of shape (events, *shape)
    fractions : mapping of output name to int
        A value is ``word * 2**-fraction``.
    """

    words: Mapping[str, NDArray[np.int64]]
    fractions: Mapping[str, int]

    @property
    def size(self) -> int:
        """Output words of one event."""
        return sum(int(np.prod(words.shape[1:], dtype=np.int64)) for words in self.words.values())


@dataclass(frozen=True)
class Mismatch:
    """One output word that differs.

    Parameters
    ----------
    event : int
        Index in the stimulus.
    output, index
        Output tensor, and index within one event.
    expected, received : int
        Words, both with ``fraction`` fraction bits; ``expected`` is the emulator's.
    fraction : int
    inputs : mapping of input name to nested lists of int
        The event's input words.
    kind : str
        Kind of stimulus that the event belongs to.
    first_layer : str or None
        First layer whose values differ; None: not determined.
    """

    event: int
    output: str
    index: tuple[int, ...]
    expected: int
    received: int
    fraction: int
    inputs: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    first_layer: str | None = None

    @property
    def difference_lsb(self) -> int:
        """Received minus expected, in units of the last bit."""
        return self.received - self.expected

    def found_in(self, stimulus: Stimulus, event: int) -> Mismatch:
        """The same, with the event's index, kind and words in the stimulus that it comes from."""
        inputs = {port: words[event].tolist() for port, words in stimulus.words.items()}
        return replace(self, event=event, kind=stimulus.kind_of(event), inputs=inputs)

    def with_layer(self, layer: str | None) -> Mismatch:
        """The same, with the first layer that differs."""
        return replace(self, first_layer=layer)

    def to_json(self) -> dict[str, Any]:
        """Plain types, for ``verify.json``."""
        return {
            "event": self.event, "kind": self.kind, "output": self.output, "index": list(self.index),
            "expected": self.expected, "received": self.received, "fraction": self.fraction,
            "difference_lsb": self.difference_lsb, "first_layer": self.first_layer, "inputs": dict(self.inputs),
        }  # fmt: skip

    def __str__(self) -> str:
        layer = f", first layer that differs: {self.first_layer}" if self.first_layer else ""
        return (
            f"event {self.event} ({self.kind}), {self.output}{list(self.index)}: expected {self.expected}, "
            f"received {self.received}, {self.difference_lsb:+d} LSB{layer}"
        )


@dataclass(frozen=True)
class Comparison:
    """Which events differ, and the first word that does.

    Parameters
    ----------
    differs : bool array of shape (events,)
    first : Mismatch or None
        Its event is the index in the arrays compared.
    problems : tuple of str
        What cannot be compared at all: outputs or shapes that do not agree.
    """

    differs: NDArray[np.bool_]
    first: Mismatch | None
    problems: tuple[str, ...] = ()

    @property
    def mismatches(self) -> int:
        """Number of events that differ."""
        return int(self.differs.sum())


def to_fraction(words: NDArray[np.int64], fraction: int, target: int) -> NDArray[np.int64]:
    """The same values with more fraction bits."""
    assert target >= fraction
    return words << (target - fraction)


def compare(expected: Outputs, received: Outputs) -> Comparison:
    """Compare value by value; words with different fraction bits are brought to the finer of the two first.

    Returns
    -------
    Comparison
        With ``problems`` if an output is missing or has another shape: every event then counts as different.
    """
    events = len(next(iter(expected.words.values())))
    problems = [
        f"output '{name}' must have shape {words.shape}, not {_shape(received.words.get(name))}"
        for name, words in expected.words.items()
        if _shape(received.words.get(name)) != words.shape
    ]
    extra = [name for name in received.words if name not in expected.words]
    problems += [f"output '{name}' is not one of the emulator's" for name in extra]
    if problems:
        return Comparison(np.ones(events, np.bool_), None, tuple(problems))
    differs = np.zeros(events, np.bool_)
    first: Mismatch | None = None
    for name, words in expected.words.items():
        fraction = max(expected.fractions[name], received.fractions[name])
        left = to_fraction(words, expected.fractions[name], fraction)
        right = to_fraction(received.words[name], received.fractions[name], fraction)
        where = np.argwhere(left != right)
        if len(where):
            differs[where[:, 0]] = True
            event, *index = (int(i) for i in where[0])
            if first is None or event < first.event:
                at = (event, *index)
                first = Mismatch(event, name, tuple(index), int(left[at]), int(right[at]), fraction)
    return Comparison(differs, first)


def _shape(words: NDArray[np.int64] | None) -> tuple[int, ...] | None:
    return None if words is None else words.shape
