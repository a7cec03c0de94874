"""The events of a verification: the study's own, patterns that reach the corners, and random words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint

__all__ = ["InputPort", "Stimulus", "check_events", "default_stimulus", "patterns"]

EventWords = Mapping[str, NDArray[np.integer]]


@dataclass(frozen=True)
class InputPort:
    """One input tensor: its name, the shape of one event, and the format of its words."""

    name: str
    shape: tuple[int, ...]
    format: FixedPoint

    @property
    def size(self) -> int:
        """Words of one event."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Stimulus:
    """Events and where they come from.

    Parameters
    ----------
    words : mapping of input name to int64 array of shape (events, *shape)
    kinds : mapping of str to int
        Number of events of each kind, in the order in which they lie in ``words``.
    """

    words: dict[str, NDArray[np.int64]]
    kinds: dict[str, int]

    @property
    def events(self) -> int:
        """Number of events."""
        return sum(self.kinds.values())

    def kind_of(self, event: int) -> str:
        """The kind of the event of that index."""
        for kind, count in self.kinds.items():
            if event < count:
                return kind
            event -= count
        raise IndexError(event)

    def take(self, rows: NDArray[np.integer]) -> dict[str, NDArray[np.int64]]:
        """The words of some events."""
        return {name: words[rows] for name, words in self.words.items()}


def default_stimulus(
    ports: Sequence[InputPort], *, n_events: int, seed: int = 0, study: EventWords | None = None,
    events: EventWords | None = None,
) -> Stimulus:
    """The events that a verification uses.

    Parameters
    ----------
    ports : sequence of InputPort
    n_events : int
        Events in all, at least 1. Patterns take at most half of them (evenly thinned out if they are more),
        the study's events half of what is left, random words the rest.
    seed : int
        Of the random words.
    study : event words, optional
        Events stored in the project; the first ones are used.
    events : event words, optional
        The caller's own; all of them are used, also if they are more than ``n_events``.

    Returns
    -------
    Stimulus

    Raises
    ------
    UserError
        ``n_events`` is below 1, or ``events`` do not fit the ports.
    """
    if n_events < 1:
        raise UserError(f"number of events must be at least 1, not {n_events}")
    parts: dict[str, NDArray[np.int64]] = {}
    left = n_events
    if events is not None:
        parts["given"] = _flatten(ports, check_events(ports, events))
        left = max(0, n_events - len(parts["given"]))
    corner = patterns(ports)
    most = max(1, left // 2) if left else 0
    for kind, words in _thin(corner, most).items():
        parts[kind] = words
        left -= len(words)
    if study is not None and events is None:
        parts["study"] = _flatten(ports, study)[: left // 2]
        left -= len(parts["study"])
    lows, highs = _range(ports)
    parts.update(_random(lows, highs, left, seed))
    parts = {kind: words for kind, words in parts.items() if len(words)}
    joined = _legal(ports, np.concatenate(list(parts.values())))
    return Stimulus(_split(ports, joined), {kind: len(words) for kind, words in parts.items()})


def patterns(ports: Sequence[InputPort]) -> dict[str, NDArray[np.int64]]:
    """The patterns, each kind of shape (events, words of all inputs).

    ``constant``: all zero, all at their highest, all at their lowest.
    ``extremes``: each word at its lowest and highest, the others at zero, highest and lowest.
    ``alternating``: bits 0101 and 1010 in every word; neighbours at opposite ends.
    ``one_hot``: each single bit of each word, all else zero.
    """
    lows, highs = _range(ports)
    zeros = np.zeros_like(lows)
    size = len(lows)
    extremes = np.repeat(np.stack([zeros, highs, lows]), 2 * size, axis=0).reshape(3, 2, size, size)
    diagonal = np.arange(size)
    extremes[:, 0, diagonal, diagonal] = lows
    extremes[:, 1, diagonal, diagonal] = highs
    even = np.arange(size) % 2 == 0
    alternating = np.stack([
        _bit_pattern(ports, 0), _bit_pattern(ports, 1), np.where(even, highs, lows), np.where(even, lows, highs),
    ])  # fmt: skip
    return {
        "constant": np.stack([zeros, highs, lows]),
        "extremes": extremes.reshape(-1, size),
        "alternating": alternating,
        "one_hot": _one_hot(ports),
    }


def check_events(ports: Sequence[InputPort], events: EventWords) -> dict[str, NDArray[np.int64]]:
    """The same events as int64, if they fit the ports.

    Raises
    ------
    UserError
        An input is missing or unknown, a shape or number of events differs, a word is no integer or out of range.
    """
    if set(events) != {port.name for port in ports}:
        names = [port.name for port in ports]
        raise UserError(f"events must be given for the inputs {names}, not for {sorted(events)}")
    checked = {}
    counts = set()
    for port in ports:
        words = np.asarray(events[port.name])
        if words.shape[1:] != port.shape or words.ndim != len(port.shape) + 1:
            shape = ", ".join(map(str, port.shape))
            raise UserError(f"events of input '{port.name}' must have shape (events, {shape}), not {words.shape}")
        if words.dtype.kind not in "iu":
            raise UserError(
                f"events of input '{port.name}' must be integer words, not {words.dtype}; digitise them first"
            )
        outside = np.argwhere((words < port.format.lowest) | (words > port.format.highest))
        if len(outside):
            where = tuple(int(i) for i in outside[0])
            raise UserError(
                f"word of input '{port.name}' must be {port.format.lowest} to {port.format.highest}, "
                f"not {int(words[where])} (event {where[0]}, index {list(where[1:])}); "
                "saturate the input as the study does"
            )
        checked[port.name] = words.astype(np.int64)
        counts.add(len(words))
    if len(counts) != 1 or 0 in counts:
        raise UserError(f"all inputs must have the same number of events, at least 1, not {sorted(counts)}")
    return checked


def _range(ports: Sequence[InputPort]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    lows = [np.full(port.size, port.format.lowest, np.int64) for port in ports]
    highs = [np.full(port.size, port.format.highest, np.int64) for port in ports]
    return np.concatenate(lows), np.concatenate(highs)


def _bit_pattern(ports: Sequence[InputPort], phase: int) -> NDArray[np.int64]:
    row = []
    for port in ports:
        word = sum(1 << bit for bit in range(phase, port.format.width, 2))
        row.append(np.full(port.size, _signed(word, port.format), np.int64))
    return np.concatenate(row)


def _one_hot(ports: Sequence[InputPort]) -> NDArray[np.int64]:
    size = sum(port.size for port in ports)
    rows = []
    position = 0
    for port in ports:
        for _ in range(port.size):
            for bit in range(port.format.width):
                row = np.zeros(size, np.int64)
                row[position] = _signed(1 << bit, port.format)
                rows.append(row)
            position += 1
    return np.stack(rows)


def _signed(word: int, form: FixedPoint) -> int:
    return word - (1 << form.width) if form.signed and word >> (form.width - 1) else word


def _thin(parts: dict[str, NDArray[np.int64]], most: int) -> dict[str, NDArray[np.int64]]:
    """At most that many rows in all, the long kinds thinned out evenly; no kind vanishes while there is room."""
    room, thinned = most, {}
    for place, (kind, words) in enumerate(sorted(parts.items(), key=lambda part: len(part[1]))):
        count = min(len(words), room // (len(parts) - place))
        thinned[kind] = words[np.linspace(0, len(words) - 1, count).round().astype(np.int64)]
        room -= count
    return {kind: thinned[kind] for kind in parts}


def _random(lows: NDArray[np.int64], highs: NDArray[np.int64], count: int, seed: int) -> dict[str, NDArray[np.int64]]:
    """Three quarters uniform over the whole range; one quarter where each word is at an end as often as not."""
    rng = np.random.default_rng(seed)
    shape = (count, len(lows))
    uniform = rng.integers(lows, highs, shape, endpoint=True)
    corner = np.stack([np.broadcast_to(lows, shape), np.broadcast_to(highs, shape), uniform, uniform])
    corner = np.take_along_axis(corner, rng.integers(0, 4, (1, *shape)), axis=0)[0]
    first = count - count // 4
    return {"random": uniform[:first], "random_corners": corner[first:]}


def _legal(ports: Sequence[InputPort], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Words that the input quantiser can give: within range, and +1 for 0 where there are only -1 and +1."""
    lows, highs = _range(ports)
    binary = np.concatenate([np.full(port.size, port.format.binary) for port in ports])
    return np.where(binary, np.where(rows < 0, -1, 1), np.clip(rows, lows, highs))


def _flatten(ports: Sequence[InputPort], words: EventWords) -> NDArray[np.int64]:
    return np.concatenate([np.asarray(words[port.name], np.int64).reshape(-1, port.size) for port in ports], axis=1)


def _split(ports: Sequence[InputPort], rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    words, position = {}, 0
    for port in ports:
        words[port.name] = np.ascontiguousarray(rows[:, position : position + port.size]).reshape(-1, *port.shape)
        position += port.size
    return words
