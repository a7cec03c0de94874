"""The one moment at which ``keras`` must mean Keras 2."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from firmware.network.keras2 import import_keras

__all__ = ["legacy_keras"]

_MISSING = object()


@contextmanager
def legacy_keras() -> Iterator[None]:
    """Let ``import keras`` find ``tf_keras`` inside the block, and what it found before outside it.

    hls4ml picks its reader of models by the ``keras`` that it imports, and its reader for Keras 3 does not
    understand QKeras. What was under ``keras`` (or nothing) is put back on leaving, by an exception too.
    """
    legacy = import_keras()
    found = sys.modules.get("keras", _MISSING)
    sys.modules["keras"] = legacy
    try:
        yield
    finally:
        if found is _MISSING:
            sys.modules.pop("keras", None)
        else:
            sys.modules["keras"] = found  # type: ignore[assignment]  # no module: the sentinel is tested above
