"""A user's own table of clusters, Parquet or a ROOT tree, checked row by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.events.errors import UserError
from sim.events.features import feature
from sim.events.table import KINDS, UNKNOWN, ClusterTable

LABEL = "label"
_PT, _ETA, _KIND = ("pt", "pt_gev"), ("eta",), ("kind",)


def split_path(source: str) -> tuple[Path, str | None]:
    """A source's file and, for "file.root:tree", its tree."""
    head, colon, tree = source.rpartition(":")
    if colon and head.endswith(".root"):
        return Path(head), tree
    return Path(source), None


def _parquet(path: Path, wanted: Sequence[str], optional: Sequence[str]) -> dict[str, NDArray]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = set(pq.read_schema(path).names)
        present = [name for name in (*wanted, *optional) if name in names]
        _complete(path, wanted, names)
        table = pq.read_table(path, columns=present)
        return {name: table[name].to_numpy(zero_copy_only=False) for name in present}
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"table {path} must be a readable Parquet file: {_first_line(error)}") from error


def _root(path: Path, tree: str | None, wanted: Sequence[str], optional: Sequence[str]) -> dict[str, NDArray]:
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
            _complete(path, wanted, names)
            present = [name for name in (*wanted, *optional) if name in names]
            return opened.arrays(present, library="np")
    except UserError:
        raise
    except Exception as error:  # uproot lets the errors of every layer below through
        raise UserError(f"table {path} must be a readable ROOT file: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _complete(path: Path, wanted: Sequence[str], names: set[str]) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        raise UserError(
            f"table {path} must have every column asked for; missing: {', '.join(missing)}; "
            "rename yours, or list the ones you have under 'features'"
        )


def _numbers(path: Path, name: str, values: NDArray) -> NDArray[np.float64]:
    try:
        if values.dtype == object and any(np.ndim(v) for v in values):
            raise TypeError("it holds a list per row; write one row per cluster")
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"table {path}: column {name} must hold one number a row: {_first_line(error)}") from error
    if numbers.ndim != 1:
        raise UserError(f"table {path}: column {name} must hold one number a row, not {numbers.shape[1:]}")
    return numbers


def _finite(path: Path, name: str, values: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(single))
    if len(bad):
        raise UserError(
            f"table {path}: column {name} must be finite (32-bit float); row {bad[0]} (counted from 0) is "
            f"{values[bad[0]]}; {len(bad)} such rows; drop or correct them"
        )
    return single


def read_table(source: str, names: Sequence[str]) -> ClusterTable:
    """Read and check a user's table.

    Parameters
    ----------
    source : str
        A Parquet file, or "file.root:tree".
    names : sequence of str
        Shape variables to read; other columns are ignored. Column `label` (0 or 1) is needed; `pt` or
        `pt_gev`, `eta` and `kind` (0 to 3) are taken if there.

    Raises
    ------
    UserError
        File missing or unreadable, column missing, NaN or infinity (with column and row), label other than 0
        and 1, no row, one class only.
    """
    for name in names:
        feature(name)
    path, tree = split_path(source)
    if not path.is_file():
        raise UserError(f"table {path} must be an existing file, Parquet or 'file.root:tree'; it does not exist")
    wanted, optional = (*names, LABEL), (*_PT, *_ETA, *_KIND)
    if tree is not None or path.suffix == ".root":
        raw = _root(path, tree, wanted, optional)
    else:
        raw = _parquet(path, wanted, optional)
    columns = {name: _finite(path, name, _numbers(path, name, values)) for name, values in raw.items()}
    label = columns[LABEL]
    n = len(label)
    if n == 0:
        raise UserError(f"table {path} must hold clusters; it has no row")
    wrong = np.flatnonzero((label != 0) & (label != 1))
    if len(wrong):
        raise UserError(
            f"table {path}: column {LABEL} must be 0 (background) or 1 (electron or photon); row {wrong[0]} "
            f"(counted from 0) is {label[wrong[0]]:g}"
        )
    check_two_classes(f"table {path}", label)
    kind = columns.get("kind", np.full(n, UNKNOWN, dtype=np.float32))
    odd = np.flatnonzero((kind != np.rint(kind)) | (kind < UNKNOWN) | (kind >= len(KINDS)))
    if len(odd):
        raise UserError(
            f"table {path}: column kind must be -1 to {len(KINDS) - 1} (unknown, {', '.join(KINDS)}); row "
            f"{odd[0]} "
            f"(counted from 0) is {kind[odd[0]]:g}"
        )
    nothing = np.full(n, np.nan, dtype=np.float32)
    pt = next((columns[name] for name in _PT if name in columns), nothing)
    features = np.stack([columns[name] for name in names], axis=1)
    return ClusterTable(
        tuple(names),
        features,
        label.astype(np.int8),
        kind.astype(np.int8),
        pt,
        np.abs(columns.get("eta", nothing)),
    )


def check_two_classes(subject: str, label: NDArray) -> None:
    """Refuse a table of one class: nothing can be learnt from it."""
    for value in (0, 1):
        if not np.any(label == value):
            raise UserError(f"{subject} must hold both classes; no row has label {value}")
