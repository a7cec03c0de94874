"""Instances already proven, one small file each, under the hash of all that decides the result."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from firmware.project.atomic import write_whole
from firmware.project.cache import content_key
from firmware.proof.meanings import Instance

__all__ = ["PrimitiveCache"]

_SCHEMA = "1"


class PrimitiveCache:
    """Proven instances in a folder, which may be deleted at any time.

    Parameters
    ----------
    folder : Path
        Made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.damaged = 0
        """Entries that were not what they must be, and count for nothing."""

    def key(self, instance: Instance, library: bytes, question: str, prover: str) -> str:
        """Hash of the module's source, its parameters, the question asked and the prover's version."""
        return content_key([_SCHEMA, str(instance), library, question, prover])

    def holds(self, key: str, instance: Instance) -> bool:
        """Whether an instance is known to be proven; a torn or altered entry is counted, removed and not believed."""
        path = self._path(key)
        try:
            text = path.read_text()
        except FileNotFoundError:
            return False
        except (OSError, UnicodeDecodeError):
            text = ""
        if text == _entry(key, instance):
            return True
        self.damaged += 1
        path.unlink(missing_ok=True)
        return False

    def keep(self, key: str, instance: Instance) -> None:
        """Note that an instance is proven."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, _entry(key, instance))

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def _entry(key: str, instance: Instance) -> str:
    """The whole text of an entry: it is compared, never parsed."""
    content = {"key": key, "instance": str(instance), "proven": True}
    checksum = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return json.dumps(content | {"checksum": checksum}, sort_keys=True) + "\n"
