"""Parquet files that are written whole or not at all, and carry a checksum of their columns.

A file is written aside and renamed. Its metadata hold what the caller says about it and the checksum; reading
verifies it, so that a torn or changed file is never used by mistake.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

CHECKSUM = "checksum"


class UnusableFile(Exception):
    """Why a file cannot be used, as the end of a sentence."""


def checksum(columns: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, types, lengths and values of the columns, in their order."""
    digest = hashlib.sha256()
    for name, values in columns.items():
        digest.update(f"{name} {values.dtype.str} {len(values)}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def write_checked(
    path: Path, columns: Mapping[str, np.ndarray], metadata: Mapping[str, str], *, compression_level: int | None = None
) -> None:
    """Write `columns` and `metadata` aside, then rename the file to `path`.

    Parameters
    ----------
    path : Path
        Its folder is made if it does not exist.
    columns : mapping of str to array, shape (rows,)
    metadata : mapping of str to str
        The key ``checksum`` is added.
    compression_level : int, optional
        Of zstd; the library's default if left out.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            pa.table(dict(columns)).replace_schema_metadata({**metadata, CHECKSUM: checksum(columns)}),
            aside,
            compression="zstd",
            compression_level=compression_level,
            write_page_checksum=True,
        )
        os.replace(aside, path)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def read_checked(
    path: Path,
    dtypes: Mapping[str, np.dtype],
    expected: Sequence[tuple[str, str, str]] = (),
    rows: int | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Columns and metadata of an intact file.

    Parameters
    ----------
    path : Path
    dtypes : mapping of str to dtype
        The columns that the file must have, in order.
    expected : sequence of (name, value, reason)
        Metadata that must have these values; `reason` says what is wrong if not, and may contain ``{}`` for
        the value found.
    rows : int, optional
        How many there must be.

    Raises
    ------
    UnusableFile
        With the reason.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(path, page_checksum_verification=True)
        metadata = {k.decode(): v.decode() for k, v in (arrow.schema.metadata or {}).items()}
        names = arrow.column_names  # decoded here, where a changed byte may be found
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
        raise UnusableFile(
            f"it cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        ) from error
    for name, value, reason in expected:
        if metadata.get(name) != value:
            raise UnusableFile(reason.format(metadata.get(name)))
    if names != list(dtypes):
        raise UnusableFile("its columns differ")
    if rows is not None and arrow.num_rows != rows:
        raise UnusableFile(f"its number of rows differs ({arrow.num_rows}, not {rows})")
    columns = {name: arrow[name].to_numpy() for name in dtypes}
    if any(columns[name].dtype != dtype for name, dtype in dtypes.items()):
        raise UnusableFile("a column has another type")
    if metadata.get(CHECKSUM) != checksum(columns):
        raise UnusableFile("its content does not match its checksum")
    return columns, metadata


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
