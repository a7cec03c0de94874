"""``manifest.json``: what a project is, and the hash of every file in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from firmware.errors import UserError
from firmware.project.atomic import write_whole

__all__ = ["MANIFEST", "Manifest", "hash_files", "package_versions", "read_manifest", "write_manifest"]

MANIFEST = "manifest.json"
SCHEMA = 1
_LATER = ("verify.json", "verify.xml")
"""Written into the project after it was made, so not part of what is hashed."""

_PACKAGES = ("trigger-codesign", "alkaid", "hls4ml", "qkeras", "tf-keras", "tensorflow", "numpy")
"""Those whose version can change a generated file or the integers it computes."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a project says of itself.

    Parameters
    ----------
    name : str
    settings : mapping
        The FirmwareSettings it was generated with.
    packages : mapping of str to str
        Versions.
    ports : tuple of mappings
        Each with ``name``, ``direction``, ``shape``, ``width``, ``integer``, ``signed``, ``fraction``.
    latency_cycles, ii : int
        By construction; the RTL simulation measures them.
    clock_period_ns : float
        A target: no tool has closed it.
    resources : mapping
        Estimates with their source.
    vectors : mapping
        ``events``: how many; ``source``: ``study`` if they were given, ``default`` if they are patterns and random.
    files : mapping of str to str
        sha256 of every generated file, by its path in the project.
    kind : str
        ``network``, or ``vertex_finder``.
    """

    name: str
    settings: Mapping[str, Any]
    packages: Mapping[str, str]
    ports: tuple[Mapping[str, Any], ...]
    latency_cycles: int
    ii: int
    clock_period_ns: float
    resources: Mapping[str, Any]
    vectors: Mapping[str, Any]
    files: Mapping[str, str]
    kind: str = "network"


def hash_files(folder: Path) -> dict[str, str]:
    """sha256 of every file below a project, by its path there with ``/``; the manifest and later results excluded."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST and name not in _LATER and not _is_passing(path, folder):
            hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return hashes


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that can change a result; those that are not installed are left out."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json``, with a hash of its own contents."""
    data = {"schema": SCHEMA, **asdict(manifest)}
    write_whole(folder / MANIFEST, json.dumps({**data, "sha256": _own_hash(data)}, indent=2, sort_keys=True) + "\n")


def read_manifest(folder: Path) -> tuple[Manifest, bool]:
    """The manifest, and whether it was edited.

    Raises
    ------
    UserError
        There is none, or it is of another schema, or broken.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(
            f"project folder '{folder}' must hold {MANIFEST}, and does not; give a folder that 'generate' wrote"
        )
    try:
        data = json.loads(path.read_text())
        own = data.pop("sha256", None)
        if data.get("schema") != SCHEMA:
            raise UserError(
                f"{MANIFEST} of '{folder}' must have schema {SCHEMA}, not {data.get('schema')!r}; generate it again"
            )
        edited = own != _own_hash(data)
        fields = {key: value for key, value in data.items() if key != "schema"}
        return Manifest(**{**fields, "ports": tuple(fields["ports"])}), edited
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
        raise UserError(
            f"{MANIFEST} of '{folder}' must be a project's manifest, and cannot be read ({error}); generate it again"
        ) from None


def _own_hash(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _is_passing(path: Path, folder: Path) -> bool:
    """Editors' and systems' hidden files and Python's caches, which nothing reads."""
    parts = path.relative_to(folder).parts
    return any(part.startswith(".") or part == "__pycache__" for part in parts)
