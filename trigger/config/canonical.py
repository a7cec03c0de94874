"""A study as canonical plain values, and the hash that names its folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from trigger.config.study import Study

__all__ = ["hash8", "resolved", "run_folder"]

_NO_RESULT = {"data": ("cache_dir", "workers"), "search": ("workers", "recycle_after")}
"""Keys that change how fast a search is, and nothing of what it finds."""

_LATER = ("verify", "choice")
"""Sections about what is done with a finished search."""


def resolved(study: Study) -> dict[str, Any]:
    """Every key of every section with its value: `from_mapping` gives the same study back.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict
        JSON values only.
    """
    content: dict[str, Any] = {field.name: _plain(getattr(study, field.name)) for field in fields(study)}
    content["data"] = {**content["data"]["settings"], "cache_dir": study.data.cache_dir}
    return content


def hash8(study: Study) -> str:
    """8 hexadecimal digits of a hash over all that a search's result depends on.

    Worker counts, folders, and the sections ``verify`` and ``choice`` do not enter; of a user's own files the
    contents do, and their paths do not.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str

    Raises
    ------
    UserError
        A user's file cannot be read.
    """
    content = {name: values for name, values in resolved(study).items() if name not in _LATER}
    for section, keys in _NO_RESULT.items():
        content[section] = {key: value for key, value in content[section].items() if key not in keys}
    content["data"].update(study.task.data.digests(study.data.settings))
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def run_folder(study: Study, root: Path | str = "runs") -> Path:
    """``<root>/<study>-<hash8>``.

    Parameters
    ----------
    study : Study
    root : Path or str

    Returns
    -------
    Path
    """
    return Path(root) / f"{study.name}-{hash8(study)}"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, Path) else value
