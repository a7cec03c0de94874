"""Columns of a user's own table, Parquet or a ROOT tree, and the settings that name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.events.checks import number
from sim.events.errors import UserError


def check_files(files: object, splits: Sequence[str]) -> None:
    """Raise UserError unless `files` is one path, or a path for each split, all different."""
    if isinstance(files, str):
        return
    if not isinstance(files, Mapping) or sorted(files) != sorted(splits):
        raise UserError(f"files must be one path, or a path for each of {', '.join(splits)}, not {files!r}")
    if not all(isinstance(path, str) for path in files.values()):
        raise UserError(f"files must be paths, not {dict(files)!r}")
    places = [(split_path(path)[0].resolve(), split_path(path)[1]) for path in files.values()]
    if len(set(places)) < len(places):
        raise UserError(f"files must differ between the splits, or the test is no test: {dict(files)!r}")


def check_split_fractions(values: object) -> tuple[float, float, float]:
    """The shares of train, validation and test, or UserError unless they are positive and sum to 1."""
    if not isinstance(values, (tuple, list)) or len(values) != 3:
        raise UserError(f"split_fractions must be three numbers (train, validation, test), not {values!r}")
    for value in values:
        number("split_fractions", value, 0, 1)
    train, validation, test = (float(value) for value in values)
    if abs(train + validation + test - 1) > 1e-9 or min(train, validation, test) <= 0:
        raise UserError(f"split_fractions must be positive and sum to 1, not {(train, validation, test)}")
    return train, validation, test


def read_columns(source: str, wanted: Sequence[str], optional: Sequence[str], remedy: str) -> dict[str, NDArray]:
    """Columns of a table as they are.

    Parameters
    ----------
    source : str
        A Parquet file, or "file.root:tree".
    wanted, optional : sequence of str
        Columns that must be there, and that are read if there.
    remedy : str
        What to do about a missing column.

    Raises
    ------
    UserError
        File missing or unreadable, or a column missing.
    """
    path, tree = split_path(source)
    if not path.is_file():
        raise UserError(f"table {path} must be an existing file, Parquet or 'file.root:tree'; it does not exist")
    if tree is not None or path.suffix == ".root":
        return _root_columns(path, tree, wanted, optional, remedy)
    return _parquet_columns(path, wanted, optional, remedy)


def split_path(source: str) -> tuple[Path, str | None]:
    """A source's file and, for "file.root:tree", its tree."""
    head, colon, tree = source.rpartition(":")
    if colon and head.endswith(".root"):
        return Path(head), tree
    return Path(source), None


def _parquet_columns(path: Path, wanted: Sequence[str], optional: Sequence[str], remedy: str) -> dict[str, NDArray]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = set(pq.read_schema(path).names)
        present = [name for name in (*wanted, *optional) if name in names]
        _complete(path, wanted, names, remedy)
        table = pq.read_table(path, columns=present)
        return {name: table[name].to_numpy(zero_copy_only=False) for name in present}
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"table {path} must be a readable Parquet file: {_first_line(error)}") from error


def _root_columns(
    path: Path, tree: str | None, wanted: Sequence[str], optional: Sequence[str], remedy: str
) -> dict[str, NDArray]:
    import uproot

    if not tree:
        raise UserError(f"table {path} must name its tree: write '{path}:tree'")
    try:
        with uproot.open(path) as file:
            if tree not in file:
                raise UserError(
                    f"table {path} has no tree {tree!r}; it holds: {', '.join(file.keys(cycle=False)) or 'none'}"
                )
            opened = file[tree]
            names = set(opened.keys())
            _complete(path, wanted, names, remedy)
            present = [name for name in (*wanted, *optional) if name in names]
            return opened.arrays(present, library="np")
    except UserError:
        raise
    except Exception as error:  # uproot lets the errors of every layer below through
        raise UserError(f"table {path} must be a readable ROOT file: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _complete(path: Path, wanted: Sequence[str], names: set[str], remedy: str) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        raise UserError(f"table {path} must have every column asked for; missing: {', '.join(missing)}; {remedy}")


def numbers(path: Path, name: str, values: NDArray, row: str = "cluster") -> NDArray[np.float64]:
    """A column as float64, shape (rows,), or UserError if a row holds anything but one number."""
    try:
        if values.dtype == object and any(np.ndim(v) for v in values):
            raise TypeError(f"it holds a list per row; write one row per {row}")
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"table {path}: column {name} must hold one number a row: {_first_line(error)}") from error
    if numbers.ndim != 1:
        raise UserError(f"table {path}: column {name} must hold one number a row, not {numbers.shape[1:]}")
    return numbers


def finite(path: Path, name: str, values: NDArray[np.float64]) -> NDArray[np.float32]:
    """A column as float32, or UserError if a value is NaN, infinite or beyond its range."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(single))
    if len(bad):
        raise UserError(
            f"table {path}: column {name} must be finite (32-bit float); row {bad[0]} (counted from 0) is "
            f"{values[bad[0]]}; {len(bad)} such rows; drop or correct them"
        )
    return single
