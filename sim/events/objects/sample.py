"""The small sample that ships with the package: for a first look and for tests, not for a study.

A Parquet file of 57 columns of integers finer than any level-1 scale, with how it was made in its metadata.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events.checked_parquet import UnusableFile, read_checked, write_checked
from sim.events.errors import UserError
from sim.events.objects.generate import GenerationSettings, description
from sim.events.objects.layout import GROUPS, MET, N_OBJECTS
from sim.events.objects.processes import PROCESS_NAMES
from sim.events.objects.shard_files import Shard

FORMAT = "object-sample-1"
SAMPLE_FILE = Path(__file__).parent / "data" / "sample.parquet"
# steps: pT 1/32 GeV (to 2 TeV), eta 2^-12 (to 8), phi a 2^16th of a circle
_PT_PER_GEV, _ETA_PER_UNIT, _PHI_PER_TURN = 32.0, 4096.0, 65536.0
SAMPLE_EVENTS = {
    "w": 4000,
    "qcd": 1750,
    "z": 1000,
    "tt": 500,
    "a4l": 500,
    "lq": 500,
    "h0": 250,
    "hplus": 250,
}


def _names() -> list[tuple[str, int, int]]:
    """Column, slot and place of every number that is not always zero."""
    names = []
    for group in GROUPS:
        for i in range(group.size):
            for place, feature in enumerate(("pt", "eta", "phi")):
                if (group, feature) != (MET, "eta"):
                    names.append((f"{group.name}{i}_{feature}", group.first + i, place))
    return names


_DTYPES: dict[str, np.dtype] = {"process": np.dtype(np.int8), "weight": np.dtype(np.float32)}
_DTYPES |= {name: np.dtype(np.uint16 if place == 0 else np.int16) for name, _, place in _names()}


def pack(objects: NDArray[np.float32]) -> dict[str, NDArray]:
    """Integer columns of objects of shape (N, 19, 3)."""
    values = objects.astype(np.float64)
    pt = np.clip(np.rint(values[:, :, 0] * _PT_PER_GEV), 0, 65535)
    eta = np.clip(np.rint(values[:, :, 1] * _ETA_PER_UNIT), -32768, 32767)
    turned = np.rint(values[:, :, 2] * (_PHI_PER_TURN / (2 * np.pi))).astype(np.int64)
    phi = (turned + 32768) % 65536 - 32768
    by_place = (pt, eta, phi)
    return {name: by_place[place][:, slot].astype(_DTYPES[name]) for name, slot, place in _names()}


def unpack(columns: dict[str, NDArray]) -> NDArray[np.float32]:
    """Objects of shape (N, 19, 3) of integer columns."""
    n = len(next(iter(columns.values())))
    objects = np.zeros((n, N_OBJECTS, 3), dtype=np.float32)
    steps = (1 / _PT_PER_GEV, 1 / _ETA_PER_UNIT, 2 * np.pi / _PHI_PER_TURN)
    for name, slot, place in _names():
        objects[:, slot, place] = columns[name] * steps[place]
    return objects


def write_sample(path: Path, shards: dict[str, Shard], settings: GenerationSettings) -> None:
    """Write a sample file of these events."""
    process = np.concatenate(
        [np.full(len(shard.objects), PROCESS_NAMES.index(name), dtype=np.int8) for name, shard in shards.items()]
    )
    about: dict[str, Any] = {
        name: description(name, settings)
        | {"efficiency": shard.production.efficiency, "cross_section_pb": shard.production.cross_section_pb}
        for name, shard in shards.items()
    }
    weight = np.concatenate([shard.weight for shard in shards.values()]).astype(np.float32)
    columns = {"process": process, "weight": weight} | pack(
        np.concatenate([shard.objects for shard in shards.values()])
    )
    metadata = {"format": FORMAT, "processes": json.dumps(PROCESS_NAMES), "about": json.dumps(about, sort_keys=True)}
    write_checked(path, columns, metadata, compression_level=19)


@lru_cache(maxsize=2)
def read_sample(path: Path = SAMPLE_FILE) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float64]]]:
    """Objects, shape (N, 19, 3), and weights, shape (N,), of each process of a sample file.

    Raises
    ------
    UserError
        The file is missing, damaged or of another version.
    """
    expected = [
        ("format", FORMAT, "it is no sample of this version (format {})"),
        ("processes", json.dumps(PROCESS_NAMES), "its processes are {}"),
    ]
    try:
        columns, _ = read_checked(path, _DTYPES, expected)
    except UnusableFile as reason:
        raise UserError(f"sample {path.name} must be intact: {reason}; install the package again") from reason
    process, weight = columns.pop("process"), columns.pop("weight").astype(np.float64)
    objects = unpack(columns)
    found = {
        name: (objects[process == i], weight[process == i])
        for i, name in enumerate(PROCESS_NAMES)
        if np.any(process == i)
    }
    for arrays in found.values():
        for values in arrays:
            values.flags.writeable = False  # they are shared by all who ask
    return found
