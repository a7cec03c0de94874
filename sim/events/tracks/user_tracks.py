"""A user's own events, Parquet or a ROOT tree: checked track by track and put into track words.

Two layouts, told apart by the type of column `pt`: one row a track (with a column `event`, and `z0_true` repeated
within an event), or one row an event (lists of tracks; events without a track can be written only so).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.events.columns import read_columns
from sim.events.errors import UserError
from sim.events.tracks.events import TrackEvents
from sim.events.tracks.processes import PROCESSES, RINV_PER_INVERSE_GEV, UNKNOWN_PROCESS
from sim.events.tracks.word import FIELDS, digitise, pack, rinv_from_pt, sector_of

_TRACK = ("pt", "eta", "phi", "z0", "charge", "is_primary")
_OPTIONAL_TRACK = ("d0", "chi2rphi", "chi2rz", "bendchi2", "hitpattern", "mva_quality")
_EVENT, _TRUTH, _PROCESS = "event", "z0_true", "process"
_Z0_LIMIT = -FIELDS["z0"].low * FIELDS["z0"].lsb
_MIN_PT = RINV_PER_INVERSE_GEV / (-FIELDS["rinv"].low * FIELDS["rinv"].lsb)
_MAX_ETA = float(np.arcsinh(-FIELDS["tanl"].low * FIELDS["tanl"].lsb))


@dataclass(frozen=True)
class _Rule:
    """What the values of a column must be, and what to do if one is not."""

    holds: Callable[[NDArray[np.float64]], NDArray[np.bool_]]
    text: str
    remedy: str


def _within(low: float, high: float, unit: str, remedy: str) -> _Rule:
    return _Rule(lambda v: (v >= low) & (v <= high), f"lie in [{low:.6g}, {high:.6g}]{unit}", remedy)


def _one_of(values: tuple[int, ...], remedy: str) -> _Rule:
    return _Rule(lambda v: np.isin(v, values), f"be one of {', '.join(map(str, values))}", remedy)


_Z0_RULE = _within(-_Z0_LIMIT, _Z0_LIMIT, " cm, what the track word holds", "give z0 in cm, or drop the track")
_RULES = {
    "pt": _within(_MIN_PT, 7000.0, " GeV, what the track word holds", "give pt in GeV, or drop the track"),
    "eta": _within(-_MAX_ETA, _MAX_ETA, ", what the track word holds", "drop the track"),
    "phi": _within(-2 * np.pi, 2 * np.pi, " rad", "give phi in radians"),
    "z0": _Z0_RULE,
    "charge": _one_of((-1, 1), "give the sign of the charge"),
    "is_primary": _one_of((0, 1), "write 1 for a track of the hard collision, 0 for others"),
    "d0": _within(-16.0, 16.0, " cm, what the track word holds", "give d0 in cm, or drop the track"),
    "hitpattern": _one_of(tuple(range(128)), "give the seven bits as an integer"),
    "mva_quality": _within(0.0, 1.0, "", "give the classifier's probability"),
    **{
        name: _Rule(lambda v: v >= 0, "be at least 0", "give it per degree of freedom")
        for name in ("chi2rphi", "chi2rz", "bendchi2")
    },
    _TRUTH: _within(-_Z0_LIMIT, _Z0_LIMIT, " cm, what a track's z0 can be", "give it in cm, or drop the event"),
    _PROCESS: _one_of(
        (*range(len(PROCESSES)), UNKNOWN_PROCESS),
        f"write {', '.join(f'{i} for {p}' for i, p in enumerate(PROCESSES))}, {UNKNOWN_PROCESS} for any other",
    ),
}


def _numbers(source: str, name: str, values: NDArray) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"table {source}: column {name} must hold numbers: {error}; write every row alike") from error
    if numbers.ndim != 1:
        raise UserError(f"table {source}: column {name} must hold one number a row, not {numbers.shape[1:]}")
    return numbers


def _checked(source: str, name: str, values: NDArray, place: Callable[[int], str]) -> NDArray[np.float64]:
    """A column as float64, every value finite and within its rule."""
    numbers = _numbers(source, name, values)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise UserError(
            f"table {source}: column {name} must be finite; {place(bad[0])} (counted from 0) is {numbers[bad[0]]}; "
            f"{len(bad)} such values; drop or correct them"
        )
    if name in _RULES:
        rule = _RULES[name]
        bad = np.flatnonzero(~rule.holds(numbers))
        if len(bad):
            raise UserError(
                f"table {source}: column {name} must {rule.text}; {place(bad[0])} (counted from 0) is "
                f"{numbers[bad[0]]:.7g}; {len(bad)} such values; {rule.remedy}"
            )
    return numbers


def _by_track(source: str, raw: dict[str, NDArray]) -> tuple[dict[str, NDArray], dict[str, NDArray], NDArray]:
    """Tracks, truth of each event and tracks of each event, from one row a track."""

    def place(row: int) -> str:
        return f"row {row}"

    if _EVENT not in raw:
        raise UserError(f"table {source} must have a column {_EVENT} if each row is a track; number your events")
    if len(raw["pt"]) == 0:
        raise UserError(f"table {source} must hold tracks; it has no row")
    columns = {name: _checked(source, name, values, place) for name, values in raw.items()}
    event = columns.pop(_EVENT)
    falls = np.flatnonzero(np.diff(event) < 0)
    if len(falls):
        row = falls[0] + 1
        raise UserError(
            f"table {source}: column {_EVENT} must not fall; row {row} (counted from 0) is {event[row]:g} after "
            f"{event[row - 1]:g}; sort the rows by event"
        )
    first = np.flatnonzero(np.diff(event, prepend=event[0] - 1) > 0)
    count = np.diff(np.append(first, len(event)))
    truth = {}
    for name in (_TRUTH, _PROCESS):
        if name in columns:
            values = columns.pop(name)
            truth[name] = values[first]
            other = np.flatnonzero(values != np.repeat(truth[name], count))
            if len(other):
                raise UserError(
                    f"table {source}: column {name} must be the same in all rows of an event; row {other[0]} (counted "
                    f"from 0) is {values[other[0]]:g}, not the event's {np.repeat(truth[name], count)[other[0]]:g}"
                )
    return columns, truth, count


def _by_event(source: str, raw: dict[str, NDArray]) -> tuple[dict[str, NDArray], dict[str, NDArray], NDArray]:
    """Tracks, truth of each event and tracks of each event, from one row an event."""
    raw = {name: values for name, values in raw.items() if name != _EVENT}
    lists = {name: values for name, values in raw.items() if name not in (_TRUTH, _PROCESS)}
    for name, values in lists.items():
        if values.dtype != object or any(np.ndim(row) != 1 for row in values):
            raise UserError(
                f"table {source}: column {name} must hold numbers, or a list of tracks in each row as pt does"
            )
    count = np.array([len(row) for row in lists["pt"]], dtype=np.int64)
    start = np.cumsum(count)
    columns = {}
    for name, values in lists.items():
        other = np.flatnonzero(np.array([len(row) for row in values]) != count)
        if len(other):
            raise UserError(
                f"table {source}: column {name} must have as many tracks as pt in every row; row {other[0]} (counted "
                f"from 0) has {len(values[other[0]])}, not {count[other[0]]}"
            )

        def place(track: int) -> str:
            event = int(np.searchsorted(start, track, side="right"))
            return f"track {track - (start[event] - count[event])} of row {event}"

        flat = np.concatenate([np.asarray(row) for row in values])
        columns[name] = _checked(source, name, flat, place)
    truth = {
        name: _checked(source, name, raw[name], lambda row: f"row {row}") for name in (_TRUTH, _PROCESS) if name in raw
    }
    return columns, truth, count


def read_track_events(source: str) -> TrackEvents:
    """Read and check a user's events.

    Parameters
    ----------
    source : str
        A Parquet file, or "file.root:tree". Columns of the tracks: ``pt`` (GeV), ``eta``, ``phi`` (rad), ``z0``
        (cm), ``charge`` (-1, 1) and ``is_primary`` (0, 1); optional ``d0`` (cm), ``chi2rphi``, ``chi2rz``,
        ``bendchi2`` (per degree of freedom), ``hitpattern`` (0 to 127), ``mva_quality`` (0 to 1), whose word is 0
        if they are left out. Columns of the events: ``z0_true`` (cm); optional ``process``. With one row a
        track, ``event`` too: it must not fall, and a number that is left out is no event. Other columns are
        ignored.

    Returns
    -------
    TrackEvents
        Within a link of an event the tracks keep the order of the file.

    Raises
    ------
    UserError
        File missing or unreadable, column missing, NaN, a value out of range, event numbers that fall; with
        column, row, value and rule.
    """
    raw = read_columns(
        source,
        (*_TRACK, _TRUTH),
        (*_OPTIONAL_TRACK, _PROCESS, _EVENT),
        "rename yours; only d0, the chi2 columns, hitpattern, mva_quality and process may be left out",
    )
    if len(raw["pt"]) == 0:
        raise UserError(f"table {source} must hold events; it has no row")
    columns, truth, count = (_by_event if raw["pt"].dtype == object else _by_track)(source, raw)
    n = len(columns["pt"])
    sector, local_phi = sector_of(columns["phi"])
    nothing = np.zeros(n, dtype=np.int64)
    words = pack(
        {
            "valid": nothing + 1,
            "rinv": digitise("rinv", rinv_from_pt(columns["pt"], columns["charge"])),
            "phi": digitise("phi", local_phi),
            "tanl": digitise("tanl", np.sinh(columns["eta"])),
            "z0": digitise("z0", columns["z0"]),
            "hitpattern": columns.get("hitpattern", nothing).astype(np.int64),
            "mva_other": nothing,
            **{
                name: digitise(name, columns[name]) if name in columns else nothing
                for name in ("d0", "chi2rphi", "chi2rz", "bendchi2", "mva_quality")
            },
        }
    )
    link = (2 * sector + (columns["eta"] >= 0)).astype(np.uint8)
    event = np.repeat(np.arange(len(count)), count)
    order = np.lexsort((link, event))
    process = truth.get(_PROCESS, np.full(len(count), UNKNOWN_PROCESS))
    return TrackEvents(
        start=np.concatenate([[0], np.cumsum(count)]),
        words=words[order],
        link=link[order],
        is_primary=columns["is_primary"][order].astype(bool),
        process=process.astype(np.uint8),
        z0_true=truth[_TRUTH].astype(np.float32),
        pt=columns["pt"][order].astype(np.float32),
        eta=columns["eta"][order].astype(np.float32),
        z0=columns["z0"][order].astype(np.float32),
    )
