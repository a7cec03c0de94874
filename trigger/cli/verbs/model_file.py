"""``trigger generate --model``: firmware of any saved QKeras model, with no study behind it."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import fields
from pathlib import Path
from typing import Any

from firmware.settings import FirmwareSettings
from trigger.cli.outcome import Outcome
from trigger.cli.progress import hint
from trigger.cli.verbs.project_text import project_lines, project_result
from trigger.errors import UserError

__all__ = ["generate_from_file", "settings_of"]


def generate_from_file(options: Namespace) -> Outcome:
    """Convert the file into a project of its name, in the folder ``--out``.

    Raises
    ------
    UserError
        The file, its network or a setting is not supported; what was in ``--out`` before is untouched.
    """
    path = Path(options.model)
    if not path.is_file():
        raise UserError(f"--model must be a saved QKeras model (.h5 or .keras), and '{path}' is no file")
    settings = settings_of(options)
    name = options.name or path.stem
    from firmware.convert import convert

    hint(f"generate: {path} -> {Path(options.out) / name}")
    project = convert(path, Path(options.out), settings, name=name)
    result = project_result(project)
    lines = project_lines(project)
    return Outcome({"verb": "generate", **result}, lines)


def settings_of(options: Namespace) -> FirmwareSettings:
    """Firmware settings of the command line; what is not given has its default.

    Raises
    ------
    UserError
        A value is outside its set or range.
    """
    given: dict[str, Any] = {}
    for field in fields(FirmwareSettings):
        value = getattr(options, field.name)
        if value is not None:
            given[field.name] = _reuse_factor(value) if field.name == "reuse_factor" else value
    return FirmwareSettings(**given)


def _reuse_factor(words: list[str]) -> int | dict[str, int]:
    """``N`` for all layers, or ``LAYER=N`` for each that is named."""
    if len(words) == 1 and "=" not in words[0]:
        return _factor(words[0], words[0])
    by_layer: dict[str, int] = {}
    for word in words:
        layer, equals, factor = word.rpartition("=")
        if not equals or not layer:
            raise UserError(
                f"--reuse-factor must be one number for all layers, or LAYER=N for each, not '{word}' among them"
            )
        if layer in by_layer:
            raise UserError(f"--reuse-factor of '{layer}' must be given once, and is given twice")
        by_layer[layer] = _factor(factor, word)
    return by_layer


def _factor(text: str, word: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"--reuse-factor must be a whole number of at least 1, not '{word}'; 1 is fully parallel")
    return int(text)
