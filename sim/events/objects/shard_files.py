"""Files of generated events: HDF5 in the layout of the challenge, written whole or not at all.

Attributes say what made a file, how many collisions that took, and a checksum; reading verifies them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events.checked_parquet import UnusableFile
from sim.events.errors import UserError
from sim.events.objects.layout import (
    CLASSES,
    COLUMN_NAMES,
    GROUPS,
    N_OBJECTS,
    NAMES,
    PARTICLES,
    WEIGHTS,
    with_codes,
)

FORMAT = "object-events-1"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Production:
    """What it took to make a file's events.

    Attributes
    ----------
    n_generated : int
        Collisions that were generated.
    weight_generated, weight_selected : float
        Sums of the weights of those generated and of those kept.
    cross_section_pb : float
        Pythia's, of the process with its settings.
    """

    n_generated: int
    weight_generated: float
    weight_selected: float
    cross_section_pb: float

    @property
    def efficiency(self) -> float:
        """Share of the process that is selected."""
        return self.weight_selected / self.weight_generated


@dataclass(frozen=True)
class Shard:
    """The content of one file.

    Attributes
    ----------
    objects : float32 array, shape (N, 19, 3)
    weight : float64 array, shape (N,)
        Relative weights of the events within the process.
    production : Production
    """

    objects: NDArray[np.float32]
    weight: NDArray[np.float64]
    production: Production


def key_of(described: dict[str, Any]) -> str:
    """SHA-256 over what decides a file's content, but for its number."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _checksum(particles: NDArray, weight: NDArray) -> str:
    digest = hashlib.sha256()
    for values in (particles, weight):
        digest.update(f"{values.dtype.str} {values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def write_shard(path: Path, shard: Shard, described: dict[str, Any], number: int) -> None:
    """Write a file aside, then rename it to `path`.

    Raises
    ------
    UserError
        If the folder cannot be written.
    """
    import h5py

    particles = with_codes(shard.objects)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(aside, "w") as file:
            file.create_dataset(PARTICLES, data=particles, compression="gzip", shuffle=True, track_times=False)
            file.create_dataset(NAMES, data=np.array(COLUMN_NAMES, dtype="S"), track_times=False)
            file.create_dataset(CLASSES, data=np.array([g.label for g in GROUPS], dtype="S"), track_times=False)
            file.create_dataset(WEIGHTS, data=shard.weight, compression="gzip", track_times=False)
            file.attrs["format"] = FORMAT
            file.attrs["description"] = json.dumps(described, sort_keys=True)
            file.attrs["key"] = key_of(described)
            file.attrs["number"] = number
            file.attrs["checksum"] = _checksum(particles, shard.weight)
            for name, value in asdict(shard.production).items():
                file.attrs[name] = value
        os.replace(aside, path)
    except OSError as error:
        raise UserError(f"cache folder {path.parent} must be writable: {error}; set data.cache_dir") from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def _read(path: Path, key: str, number: int, n_events: int) -> Shard:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            attributes = dict(file.attrs)
            particles, weight = file[PARTICLES][:], file[WEIGHTS][:]
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise UnusableFile(f"it cannot be read ({str(error).splitlines()[0]})") from error
    if attributes.get("format") != FORMAT:
        raise UnusableFile(f"its format is {attributes.get('format')}, not {FORMAT}")
    if attributes.get("key") != key:
        raise UnusableFile("it was made with other settings (its key differs)")
    if attributes.get("number") != number or particles.shape != (n_events, N_OBJECTS, 4):
        raise UnusableFile("it is another part of the sample")
    if attributes.get("checksum") != _checksum(particles, weight):
        raise UnusableFile("its content does not match its checksum")
    production = Production(
        int(attributes["n_generated"]),
        float(attributes["weight_generated"]),
        float(attributes["weight_selected"]),
        float(attributes["cross_section_pb"]),
    )
    return Shard(np.ascontiguousarray(particles[:, :, :3]), weight, production)


def read_shard(path: Path, described: dict[str, Any], number: int, n_events: int) -> Shard | None:
    """A file of our cache, or None if it is missing or unusable; the latter is logged as a warning with its
    reason."""
    if not path.exists():
        return None
    try:
        return _read(path, key_of(described), number, n_events)
    except UnusableFile as reason:
        _log.warning("cached events %s are not used and made again: %s", path, reason)
        return None
