"""Integer arrays as text: one row a line, so that a review shows which event's words changed."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError

__all__ = ["read_array", "text_of", "write_arrays"]

_HEAD = "# shape"
_REMEDY = "restore the file, or make the golden project again"


def text_of(array: NDArray[np.generic]) -> str:
    """The text of an array of integers or booleans: its shape, then a line for every index of the first axis."""
    rows = array.astype(np.int64).reshape(len(array), prod(array.shape[1:]))
    lines = [" ".join([_HEAD, *map(str, array.shape)]), *(" ".join(map(str, row)) for row in rows.tolist())]
    return "\n".join(lines) + "\n"


def write_arrays(folder: Path, prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write ``<prefix>_<name>.txt`` for every array."""
    for name, array in arrays.items():
        (folder / f"{prefix}_{name}.txt").write_text(text_of(array))


def read_array(path: Path) -> NDArray[np.int64]:
    """Read an array that `write_arrays` wrote.

    Raises
    ------
    UserError
        The file is missing, holds something else than integers, or not as many as its shape says.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        head, _, body = path.read_text().partition("\n")
        if not head.startswith(_HEAD):
            raise UserError(f"vector file '{name}' must begin with '{_HEAD}', not '{head[:40]}'; {_REMEDY}")
        shape = tuple(int(part) for part in head[len(_HEAD) :].split())
        words = np.array([int(word) for word in body.split()], dtype=np.int64)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"vector file '{name}' must be readable, and is not ({error}); {_REMEDY}") from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"vector file '{name}' must hold integers of 64 bits ({error}); {_REMEDY}") from None
    if not shape or min(shape) < 0 or words.size != int(np.prod(shape, dtype=np.int64)):
        raise UserError(
            f"vector file '{name}' must hold as many words as its shape {shape} says, not {words.size}; {_REMEDY}"
        )
    return words.reshape(shape)
