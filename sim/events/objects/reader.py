"""Files in the layout of the anomaly challenge, read as they are, a piece at a time.

The original files set the pT of jets beyond |eta| of 4 to zero and leave them where they were, so a group may have
gaps: what is present moves up, and an empty slot is zero in all its numbers. Nothing else is corrected; what does
not fit the layout is refused with its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events.errors import UserError
from sim.events.objects.layout import (
    CLASSES,
    COLUMN_NAMES,
    GROUPS,
    N_OBJECTS,
    NAMES,
    PARTICLES,
    SLOT_CODES,
    WEIGHTS,
)

READ_ROWS = 65_536
# rounding of files in single precision
_PHI_MAX = np.pi + 1e-4
_ETA_MAX = 10.0
_ADVICE = "read the original file of the challenge, or write this layout"


def _texts(file: Any, name: str) -> list[str]:
    return [v.decode() if isinstance(v, bytes) else str(v) for v in np.ravel(file[name][()])]


def _check_layout(file: Any, path: Path) -> None:
    for name in (PARTICLES, NAMES, CLASSES):
        if name not in file:
            raise UserError(f"{path} must hold the data set {name}, and holds {', '.join(file) or 'none'}; {_ADVICE}")
    shape = file[PARTICLES].shape
    if len(shape) != 3 or shape[1:] != (N_OBJECTS, 4):
        raise UserError(f"{PARTICLES} in {path} must have the shape (events, {N_OBJECTS}, 4), not {shape}; {_ADVICE}")
    if file[PARTICLES].dtype.kind != "f":
        raise UserError(
            f"{PARTICLES} in {path} must hold floating-point numbers, not {file[PARTICLES].dtype}; {_ADVICE}"
        )
    if shape[0] == 0:
        raise UserError(f"{PARTICLES} in {path} must hold at least one event, not none; {_ADVICE}")
    for name, expected in ((NAMES, list(COLUMN_NAMES)), (CLASSES, [group.label for group in GROUPS])):
        if (found := _texts(file, name)) != expected:
            raise UserError(f"{name} in {path} must be {', '.join(expected)}, not {', '.join(found)}; {_ADVICE}")
    if WEIGHTS in file and file[WEIGHTS].shape != shape[:1]:
        raise UserError(
            f"{WEIGHTS} in {path} must have one number an event ({shape[0]}), not the shape {file[WEIGHTS].shape}; "
            "remove it, or write it again"
        )


def _refuse(path: Path, bad: NDArray[np.bool_], first: int, values: NDArray, rule: str, remedy: str) -> None:
    """Raise UserError for the first true place of `bad`, of shape (rows, slots)."""
    if not bad.any():
        return
    row, slot = (int(i) for i in np.argwhere(bad)[0])
    found = ", ".join(f"{name} {value:g}" for name, value in zip(COLUMN_NAMES, values[row, slot], strict=True))
    raise UserError(
        f"event {first + row}, object {slot} of {path} must {rule}, not ({found}); "
        f"{int(bad.any(axis=1).sum())} of the {len(bad)} events read with it break this rule; {remedy}"
    )


def check_rows(values: NDArray, path: Path, first: int) -> None:
    """Refuse rows that break the layout.

    Parameters
    ----------
    values : float array, shape (n, 19, 4)
    path : Path
        Named in the message.
    first : int
        Number of the first row in the file.

    Raises
    ------
    UserError
        A number is not finite, a pT is negative, an angle is out of range, a class is unknown or in the wrong
        slot, or the objects of a group do not fall in pT.
    """
    pt, eta, phi, code = (values[:, :, i] for i in range(4))
    _refuse(path, ~np.isfinite(values).all(axis=2), first, values, "hold finite numbers", "remove such events")
    _refuse(path, pt < 0, first, values, "have a pT of 0 (empty) or above", "write empty objects as zeros")
    known = np.isin(code, (0, *(group.code for group in GROUPS)))
    _refuse(path, ~known, first, values, "have a class of 1, 2, 3, 4, or 0 if it is empty", _ADVICE)
    present = pt > 0
    wrong = (present | (code != 0)) & (code != SLOT_CODES)
    _refuse(path, wrong, first, values, "have the class of its place (1 MET, 4 x 2 e, 4 x 3 mu, 10 x 4 jets)", _ADVICE)
    _refuse(path, present & (np.abs(eta) > _ETA_MAX), first, values, f"have |eta| up to {_ETA_MAX:g}", _ADVICE)
    _refuse(path, present & (np.abs(phi) > _PHI_MAX), first, values, "have a phi from -pi to pi", "give it in rad")
    for group in GROUPS:
        # the least pT so far, empty slots aside
        of_group = np.where(present[:, group.slots], pt[:, group.slots], np.inf)
        least = np.minimum.accumulate(of_group, axis=1)
        rising = np.zeros(pt.shape, dtype=bool)
        rising[:, group.first + 1 : group.first + group.size] = (pt[:, group.slots] > np.roll(least, 1, axis=1))[:, 1:]
        _refuse(path, rising, first, values, "not be harder than one before it in its group", "sort each group by pT")


def close_gaps(objects: NDArray[np.float32]) -> NDArray[np.float32]:
    """Present objects moved up in their group, in their order, and all of an empty slot set to zero.

    Parameters
    ----------
    objects : float32 array, shape (n, 19, 3)
        Is changed.
    """
    empty = objects[:, :, 0] <= 0
    objects[empty] = 0
    for group in GROUPS[1:]:
        slots = empty[:, group.slots]
        gap = np.flatnonzero((slots[:, :-1] & ~slots[:, 1:]).any(axis=1))
        if len(gap):
            order = np.argsort(slots[gap], axis=1, kind="stable")
            objects[gap, group.slots] = np.take_along_axis(objects[gap, group.slots], order[:, :, None], axis=1)
    objects[:, 0, 1] = 0
    return objects


def _existing(path: Path) -> Path:
    if not Path(path).is_file():
        raise UserError(f"event file {path} must exist; give the path of an HDF5 file of the anomaly challenge")
    return Path(path)


def _cut_short(path: Path, error: Exception) -> UserError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return UserError(f"{path} must be an intact HDF5 file: {reason}; fetch or copy it again")


def _rows_at_once(dataset: Any, wanted: int) -> int:
    """Rows to read at once: whole chunks of the file, so that none is unpacked twice."""
    chunk = dataset.chunks[0] if dataset.chunks else 1
    return max(1, wanted // chunk) * chunk if chunk <= 4 * wanted else wanted


def stream_events(
    path: Path, *, rows: int = READ_ROWS, n_events: int | None = None
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
    """Events of a file in the challenge's layout, some at a time.

    Parameters
    ----------
    path : Path
    rows : int
        About how many are held at once (65,536 take some 60 MB).
    n_events : int, optional
        Only the first ones.

    Yields
    ------
    objects : float32 array, shape (n, 19, 3)
    weight : float64 array, shape (n,)
        Of the data set ``Weights``, or 1.

    Raises
    ------
    UserError
        The file is missing, cut short or damaged, or breaks the layout: with event, rule, value and remedy.
    """
    import h5py

    path = _existing(path)
    try:
        with h5py.File(path, "r") as file:
            _check_layout(file, path)
            dataset = file[PARTICLES]
            total = dataset.shape[0] if n_events is None else min(n_events, dataset.shape[0])
            step = _rows_at_once(dataset, rows)
            for first in range(0, total, step):
                values = dataset[first : min(first + step, total)]
                check_rows(values, path, first)
                weight = np.ones(len(values))
                if WEIGHTS in file:
                    weight = file[WEIGHTS][first : first + len(values)].astype(np.float64)
                    if not (np.isfinite(weight) & (weight >= 0)).all():
                        row = int(np.argmin(np.isfinite(weight) & (weight >= 0)))
                        raise UserError(
                            f"weight of event {first + row} of {path} must be a finite number from 0, not "
                            f"{weight[row]}; correct the data set {WEIGHTS}, or remove it"
                        )
                yield close_gaps(values[:, :, :3].astype(np.float32)), weight
    except (OSError, RuntimeError) as error:
        raise _cut_short(path, error) from error


def count_events(path: Path) -> int:
    """Number of events of a file, from its header.

    Raises
    ------
    UserError
        As `stream_events`, but for what only the events show.
    """
    import h5py

    path = _existing(path)
    try:
        with h5py.File(path, "r") as file:
            _check_layout(file, path)
            return int(file[PARTICLES].shape[0])
    except (OSError, RuntimeError) as error:
        raise _cut_short(path, error) from error


def read_events(path: Path, *, n_events: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Objects, shape (N, 19, 3), and weights, shape (N,), of a file, or of its first events.

    236 bytes an event: for tens of millions use `stream_events`, or `read_words`.
    """
    total = count_events(path) if n_events is None else min(n_events, count_events(path))
    objects = np.empty((total, N_OBJECTS, 3), dtype=np.float32)
    weight = np.empty(total)
    first = 0
    for some, some_weight in stream_events(path, n_events=total):
        objects[first : first + len(some)], weight[first : first + len(some)] = some, some_weight
        first += len(some)
    return objects, weight
