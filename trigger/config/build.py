"""Plain mappings to frozen typed sections: every key known, every value of its type."""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from trigger.errors import UserError

__all__ = ["build", "check_keys"]

T = TypeVar("T")


def build(cls: type[T], content: Any, where: str) -> T:
    """Make a section from what the file says of it.

    Parameters
    ----------
    cls : dataclass type
        Fields may be bool, int, float, str, Path, ``Literal``, unions with None, ``tuple[T, ...]``,
        ``Mapping[str, T]`` and further dataclasses.
    content : mapping or None
        None (an empty section) means all defaults.
    where : str
        File and section, for messages.

    Returns
    -------
    instance of cls

    Raises
    ------
    UserError
        A key is unknown or missing, a value has the wrong type, or the section itself refuses a value.
    """
    content = {} if content is None else content
    if not isinstance(content, Mapping):
        raise UserError(f"{where}: must be a section with keys, not {_show(content)}")
    assert is_dataclass(cls)
    known = [field for field in fields(cls) if field.init]
    check_keys(content, [field.name for field in known], where)
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in known:
        if field.name in content:
            values[field.name] = _convert(hints[field.name], content[field.name], f"{where}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f"{where}: key '{field.name}' must be given, and is missing")
    try:
        return cls(**values)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    except ValueError as error:
        # The ground libraries have their own kind of UserError, all of them ValueErrors with a full message.
        raise UserError(f"{where}: {error}") from error


def check_keys(content: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuse unknown keys and name the nearest valid one.

    Raises
    ------
    UserError
    """
    valid = sorted(known)
    for key in content:
        if key in valid:
            continue
        near = difflib.get_close_matches(key, valid, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"valid keys: {', '.join(valid)}"
        raise UserError(f"{where}: unknown key '{key}'; {hint}")


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(arguments, value, where)
    if origin is Literal:
        if value not in arguments or isinstance(value, bool):
            raise UserError(f"{where} must be one of {', '.join(map(str, arguments))}, not {_show(value)}")
        return value
    if origin is tuple:
        return _sequence(arguments, value, where)
    if origin is not None and issubclass(typing.cast(type, origin), Mapping):
        if not isinstance(value, Mapping):
            raise UserError(f"{where} must be a mapping, not {_show(value)}")
        return {key: _convert(arguments[1], entry, f"{where}.{key}") for key, entry in value.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, where)
    return _scalar(hint, value, where)


def _union(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and types.NoneType in choices:
        return None
    rest = [choice for choice in choices if choice is not types.NoneType]
    if len(rest) == 1:
        return _convert(rest[0], value, where)
    for choice in rest:
        try:
            return _convert(choice, value, where)
        except UserError:
            continue
    names = " or ".join(_name(choice) for choice in choices)
    raise UserError(f"{where} must be {names}, not {_show(value)}")


def _sequence(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise UserError(f"{where} must be a list, not {_show(value)}; write [a, b]")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_convert(arguments[0], entry, f"{where}[{i}]") for i, entry in enumerate(value))
    if len(arguments) != len(value):
        raise UserError(f"{where} must be a list of {len(arguments)} values, not {_show(value)}")
    return tuple(
        _convert(hint, entry, f"{where}[{i}]") for i, (hint, entry) in enumerate(zip(arguments, value, strict=True))
    )


def _scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise UserError(f"{where} must be a finite number, not {value}")
        return float(value)
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint in (bool, str) and isinstance(value, hint):
        return value
    if hint is Path and isinstance(value, str):
        return Path(value)
    raise UserError(f"{where} must be {_name(hint)}, not {_show(value)}")


_NAMES = {int: "an integer", float: "a number", bool: "true or false", str: "a word", Path: "a path"}


def _name(hint: Any) -> str:
    if hint is types.NoneType:
        return "null"
    if hint in _NAMES:
        return _NAMES[hint]
    return "a list" if get_origin(hint) is tuple else "a mapping"


def _show(value: Any) -> str:
    return "null" if value is None else f"{value!r}"
