"""A vertex finder as JSON text: the same finder, the same bytes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.serial import from_json, to_json
from firmware.vertex.finder import Feature, Field, VertexFinder

__all__ = ["SCHEMA", "finder_from_json", "finder_to_json"]

SCHEMA = "vertex_finder/1"
_NUMBERS = ("word_bits", "bins", "bins_per_clock", "distance_shift", "lanes", "tracks_per_lane")
_NETWORKS = ("weight", "pattern", "association")
_KEYS = {"schema", "name", "fields", "features", "histogram", *_NUMBERS, *_NETWORKS}


def finder_to_json(finder: VertexFinder) -> str:
    """JSON text of a finder: keys sorted, one entry a line, tables and weights as integers."""
    data: dict[str, Any] = {
        "schema": SCHEMA, "name": finder.name,
        "fields": {name: asdict(field) for name, field in finder.fields.items()},
        "features": [_feature_out(feature) for feature in finder.features],
        "histogram": asdict(finder.histogram),
        **{name: getattr(finder, name) for name in _NUMBERS},
        **{name: json.loads(to_json(getattr(finder, name))) for name in _NETWORKS},
    }  # fmt: skip
    lines = [f"{json.dumps(key)}: {json.dumps(data[key], sort_keys=True)}" for key in sorted(data)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def finder_from_json(text: str) -> VertexFinder:
    """The finder of `finder_to_json`.

    Raises
    ------
    UserError
        The text is no JSON, of another schema, or describes no valid finder.
    """
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"description of a vertex finder must be JSON, and is not ({error}); write it again") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise UserError(f"schema of a vertex finder must be '{SCHEMA}', not {schema!r}; write it again")
    if set(data) != _KEYS:
        wrong = sorted(set(data) ^ _KEYS)
        raise UserError(f"keys of a vertex finder must be {', '.join(sorted(_KEYS))}; check {', '.join(wrong)}")
    try:
        numbers: dict[str, Any] = {name: _whole(data[name], name) for name in _NUMBERS}
        networks: dict[str, Any] = {name: from_json(json.dumps(data[name])) for name in _NETWORKS}
        return VertexFinder(
            name=_text(data["name"], "name"),
            fields={name: _field_in(field) for name, field in data["fields"].items()},
            features=tuple(_feature_in(feature) for feature in data["features"]),
            histogram=_format_in(data["histogram"]), **numbers, **networks,
        )  # fmt: skip
    except UserError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, IndexError) as error:
        raise UserError(
            f"description of a vertex finder must be complete, and is not ({type(error).__name__}: {error}); "
            "write it again"
        ) from None


def _feature_out(feature: Feature) -> dict[str, Any]:
    table = None if feature.table is None else feature.table.tolist()
    return {
        "name": feature.name, "field": feature.field, "shift": feature.shift, "format": asdict(feature.format),
        "table": table,
    }  # fmt: skip


def _field_in(data: dict[str, Any]) -> Field:
    field = Field(**data)
    _whole(field.offset, "offset of a field")
    _whole(field.width, "width of a field")
    _switch(field.signed, "signed of a field")
    return field


def _format_in(data: dict[str, Any]) -> FixedPoint:
    for key, value in data.items():
        if key in ("width", "integer"):
            _whole(value, f"{key} of a format")
        else:
            _switch(value, f"{key} of a format")
    return FixedPoint(**data)


def _feature_in(data: dict[str, Any]) -> Feature:
    feature = Feature(**{**data, "format": _format_in(data["format"])})
    _text(feature.name, "name of a feature")
    _text(feature.field, "field of a feature")
    _whole(feature.shift, "shift of a feature")
    if feature.table is None:
        return feature
    words = [_whole(word, f"word in the table of feature '{feature.name}'") for word in data["table"]]
    return Feature(
        name=feature.name, field=feature.field, shift=feature.shift, format=feature.format,
        table=np.array(words, np.int64),
    )  # fmt: skip


def _whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError(f"{what} must be a whole number, not {value!r}; write it again")
    return value


def _switch(value: Any, what: str) -> None:
    if not isinstance(value, bool):
        raise UserError(f"{what} must be true or false, not {value!r}; write it again")


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise UserError(f"{what} must be text, not {value!r}; write it again")
    return value
