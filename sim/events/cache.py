"""Shards of generated clusters on disk: whole, of the right key and intact, or not used at all.

A shard is a Parquet file whose metadata carry the key of what made it, its own name and a checksum of its
columns. It is written aside and renamed. Reading checks all three; whatever does not fit is reported and made
again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sim.events.checked_parquet import UnusableFile, read_checked, write_checked
from sim.events.errors import UserError
from sim.events.features import SHOWER_FEATURES
from sim.events.settings import PARAMETRISED, SHIPPED, ShowerSettings
from sim.events.table import ClusterTable

GENERATOR_VERSION = 1
_log = logging.getLogger(__name__)
_SIDE = {"label": np.int8, "kind": np.int8, "pt_gev": np.float32, "eta": np.float32}
# the files whose text decides what a generated cluster looks like
_SOURCES = (
    "candidates.py", "cores.py", "deposits.py", "features.py", "geometry.py", "particles.py", "pool.py",
    "shapes.py", "showers.py", "spectrum.py", "table.py",
)  # fmt: skip


@lru_cache(maxsize=1)
def source_digest() -> str:
    """SHA-256 of the generator's source files and of the shipped pool."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for name in (*_SOURCES, "data/minbias.parquet", "data/cores.parquet"):
        content = (folder / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def cache_key(showers: ShowerSettings, fractions: Mapping[str, float], seed: int) -> str:
    """SHA-256 over everything that decides a shard's content, but for its place in the data set."""
    pool = showers.pileup_pool
    settings: dict[str, Any] = asdict(showers)
    if pool not in (SHIPPED, PARAMETRISED):
        # the file's content counts, not where it lies
        settings["pileup_pool"] = hashlib.sha256(Path(pool).read_bytes()).hexdigest()
    everything = {
        "version": GENERATOR_VERSION,
        "sources": source_digest(),
        "showers": settings,
        "fractions": dict(fractions),
        "seed": seed,
    }
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def _columns(table: ClusterTable) -> dict[str, np.ndarray]:
    columns = {name: np.ascontiguousarray(table.features[:, i]) for i, name in enumerate(table.names)}
    return columns | {name: np.ascontiguousarray(getattr(table, name)) for name in _SIDE}


def write_shard(table: ClusterTable, path: Path, key: str) -> None:
    """Write the table aside, then rename it to `path`.

    Raises
    ------
    UserError
        If the folder cannot be written.
    """
    try:
        write_checked(path, _columns(table), {"key": key, "shard": path.name})
    except OSError as error:
        raise UserError(f"cache folder {path.parent} must be writable: {error}; set data.cache_dir") from error


def _read_checked(path: Path, key: str, rows: int) -> ClusterTable:
    dtypes = {name: np.dtype(np.float32) for name in SHOWER_FEATURES} | {k: np.dtype(v) for k, v in _SIDE.items()}
    columns, _ = read_checked(
        path,
        dtypes,
        [
            ("key", key, "it was made with other settings or another version (its key differs)"),
            ("shard", path.name, "it is another shard ({})"),
        ],
        rows,
    )
    names = tuple(SHOWER_FEATURES)
    return ClusterTable(names, np.stack([columns[n] for n in names], axis=1), *(columns[n] for n in _SIDE))


def read_shard(path: Path, key: str, rows: int) -> ClusterTable | None:
    """The shard's table, or None if it is missing or unusable; the latter is logged as a warning with its
    reason."""
    if not path.exists():
        return None
    try:
        return _read_checked(path, key, rows)
    except UnusableFile as reason:
        _log.warning("cached clusters %s are not used and made again: %s", path, reason)
        return None
