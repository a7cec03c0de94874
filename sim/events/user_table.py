"""A user's own table of clusters, Parquet or a ROOT tree, checked row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.events.columns import finite, numbers, read_columns, split_path
from sim.events.errors import UserError
from sim.events.features import feature
from sim.events.table import KINDS, UNKNOWN, ClusterTable

LABEL = "label"
_PT, _ETA, _KIND = ("pt", "pt_gev"), ("eta",), ("kind",)


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
    path, _ = split_path(source)
    raw = read_columns(
        source, (*names, LABEL), (*_PT, *_ETA, *_KIND), "rename yours, or list the ones you have under 'features'"
    )
    columns = {name: finite(path, name, numbers(path, name, values)) for name, values in raw.items()}
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
