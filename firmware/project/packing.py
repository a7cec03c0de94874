"""Words of a tensor to the bits of a packed port, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["pack", "row_bytes", "unpack"]


def row_bytes(bits: int) -> int:
    """Bytes of one packed port value."""
    return (bits + 7) // 8


def pack(words: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Element 0 in the low bits, each element in ``width`` bits of two's complement, the row filled up to whole bytes.

    Parameters
    ----------
    words : int64 array of shape (events, ...)
        Bits above ``width`` are dropped.
    width : int
        Bits of one element, 1 to 64.

    Returns
    -------
    uint8 array of shape (events, row_bytes)
        Little-endian.
    """
    flat = words.reshape(len(words), -1)
    bits = flat[:, :, None] >> np.arange(width, dtype=np.int64) & 1
    return np.packbits(bits.reshape(len(words), -1).astype(np.uint8), axis=1, bitorder="little")


def unpack(rows: NDArray[np.uint8], width: int, signed: bool, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The inverse of :func:`pack`.

    Parameters
    ----------
    rows : uint8 array of shape (events, row_bytes)
    width : int
        Bits of one element.
    signed : bool
        Whether the top bit of an element is a sign.
    shape : tuple of int
        Shape of one event's tensor.

    Returns
    -------
    int64 array of shape (events, *shape)
    """
    size = int(np.prod(shape, dtype=np.int64))
    bits = np.unpackbits(rows, axis=1, count=size * width, bitorder="little").reshape(len(rows), size, width)
    words = (bits.astype(np.int64) << np.arange(width, dtype=np.int64)).sum(axis=2, dtype=np.int64)
    if signed:
        words = words << (64 - width) >> (64 - width)
    return words.reshape(len(rows), *shape)
