"""Shards of generated clusters on disk: whole, of the right key and intact, or not used at all.

A shard is a Parquet file whose metadata carry the key of what made it, its own name and a checksum of its
columns. It is written aside and renamed. Reading checks all three; whatever does not fit is reported and made
again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

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


class _Unusable(Exception):
    """Why a shard cannot be used."""


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


def _checksum(columns: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, values in columns.items():
        digest.update(f"{name} {values.dtype.str} {len(values)}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def write_shard(table: ClusterTable, path: Path, key: str) -> None:
    """Write the table aside, then rename it to `path`.

    Raises
    ------
    UserError
        If the folder cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = _columns(table)
    metadata = {"key": key, "shard": path.name, "checksum": _checksum(columns)}
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            pa.table(columns).replace_schema_metadata(metadata),
            aside,
            compression="zstd",
            write_page_checksum=True,
        )
        os.replace(aside, path)
    except OSError as error:
        raise UserError(f"cache folder {path.parent} must be writable: {error}; set data.cache_dir") from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def _read_checked(path: Path, key: str, rows: int) -> ClusterTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(path, page_checksum_verification=True)
        metadata = {k.decode(): v.decode() for k, v in (arrow.schema.metadata or {}).items()}
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
        raise _Unusable(
            f"it cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        ) from error
    if metadata.get("key") != key:
        raise _Unusable("it was made with other settings or another version (its key differs)")
    if metadata.get("shard") != path.name:
        raise _Unusable(f"it is another shard ({metadata.get('shard')})")
    expected = {name: np.dtype(np.float32) for name in SHOWER_FEATURES} | {k: np.dtype(v) for k, v in _SIDE.items()}
    if arrow.column_names != list(expected) or arrow.num_rows != rows:
        raise _Unusable("its columns or its number of rows differ")
    columns = {name: arrow[name].to_numpy() for name in expected}
    if any(columns[name].dtype != dtype for name, dtype in expected.items()):
        raise _Unusable("a column has another type")
    if metadata.get("checksum") != _checksum(columns):
        raise _Unusable("its content does not match its checksum")
    names = tuple(SHOWER_FEATURES)
    return ClusterTable(names, np.stack([columns[n] for n in names], axis=1), *(columns[n] for n in _SIDE))


def read_shard(path: Path, key: str, rows: int) -> ClusterTable | None:
    """The shard's table, or None if it is missing or unusable; the latter is logged as a warning with its
    reason."""
    if not path.exists():
        return None
    try:
        return _read_checked(path, key, rows)
    except _Unusable as reason:
        _log.warning("cached clusters %s are not used and made again: %s", path, reason)
        return None


def remove_leftovers(folder: Path) -> None:
    """Delete the half-written files of processes that no longer run."""
    for aside in folder.glob(".*.tmp"):
        owner = aside.name.split(".")[-2]
        try:
            os.kill(int(owner), 0)
        except (ValueError, ProcessLookupError):
            aside.unlink(missing_ok=True)
        except PermissionError:
            continue  # it runs, under another user
