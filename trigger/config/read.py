"""YAML text to plain mappings: the safe loader, with repeated keys refused, and ``--set`` overrides."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import yaml

from trigger.errors import UserError

__all__ = ["apply_overrides", "read_yaml"]


class _Loader(yaml.SafeLoader):
    """The safe loader; a key given twice is an error instead of a silent last one wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"a key must be a word, not {key!r}", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key '{key}' must be given once, and is given twice; remove one", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML file that holds a mapping.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        Plain Python values.

    Raises
    ------
    UserError
        The file is missing, is no YAML, holds no mapping, or gives a key twice.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UserError(f"configuration '{path}' must be a readable YAML file: {reason}") from error
    return _mapping(_parse(text, str(path)), str(path))


def apply_overrides(content: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Put ``section.key=value`` overrides over a configuration.

    Parameters
    ----------
    content : dict
        As from `read_yaml`; not changed.
    overrides : sequence of str
        Each ``section.key=value`` (deeper keys with more dots); the value is read as YAML, so ``8``, ``true``,
        ``null`` and ``[4, 6]`` mean what they mean in the file.

    Returns
    -------
    dict

    Raises
    ------
    UserError
        An override has another form.
    """
    for override in overrides:
        target, equals, text = override.partition("=")
        path = target.strip().split(".")
        if not equals or len(path) < 2 or not all(path):
            raise UserError(f"--set must have the form section.key=value, not '{override}'; e.g. search.workers=2")
        content = _put(content, path, _parse(text, f"--set {override}"), override)
    return content


def _put(content: dict[str, Any], path: Sequence[str], value: Any, override: str) -> dict[str, Any]:
    content = dict(content)
    if len(path) == 1:
        content[path[0]] = value
        return content
    below = content.get(path[0])
    below = {} if below is None else below
    if not isinstance(below, dict):
        raise UserError(f"--set {override}: '{path[0]}' must be a section, and holds the value {below!r}")
    content[path[0]] = _put(below, path[1:], value, override)
    return content


def _parse(text: str, subject: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise UserError(f"{subject}: must be valid YAML with plain values: {_one_line(error)}") from error


def _one_line(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return " ".join(str(problem).split()) + where


def _mapping(content: Any, subject: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise UserError(f"{subject}: must hold sections such as 'study:', not {type(content).__name__}")
    return content
