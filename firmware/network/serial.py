"""A network as JSON text: the same network, the same bytes."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields
from typing import Any, get_args

import numpy as np

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Layer
from firmware.network.network import Network

__all__ = ["SCHEMA", "from_json", "to_json"]

SCHEMA = "network/1"
_LAYERS: dict[str, type] = {layer.__name__: layer for layer in get_args(Layer)}
_FORMATS = ("format", "kernel_format", "bias_format")
_WORDS = ("kernel", "bias")
_TUPLES = ("shape", "sources", "target_shape", "dims", "kernel_size", "strides", "pool_size")


def to_json(network: Network) -> str:
    """JSON text of a network: keys sorted, one layer a line, weights as integers in C order."""
    head = json.dumps({"name": network.name, "outputs": list(network.outputs), "schema": SCHEMA}, sort_keys=True)
    layers = ",\n".join(json.dumps(_layer_out(layer), sort_keys=True) for layer in network.layers)
    return f'{head[:-1]}, "layers": [\n{layers}\n]}}\n'


def from_json(text: str) -> Network:
    """The network of `to_json`.

    Raises
    ------
    UserError
        The text is no JSON, of another schema, or describes no valid network.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"network description must be JSON, and is not ({error}); write it again") from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise UserError(f"schema of a network description must be '{SCHEMA}', not {schema!r}; write it again")
    try:
        layers = tuple(_layer_in(layer) for layer in data["layers"])
        return Network(str(data["name"]), layers, tuple(data["outputs"]))
    except UserError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise UserError(
            f"network description must be complete, and is not ({type(error).__name__}: {error}); write it again"
        ) from error


def _layer_out(layer: Layer) -> dict[str, Any]:
    made: dict[str, Any] = {"kind": type(layer).__name__}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if isinstance(value, FixedPoint):
            value = asdict(value)
        elif isinstance(value, np.ndarray):
            value = {"shape": list(value.shape), "words": value.ravel().tolist()}
        made[field.name] = value
    return made


def _layer_in(data: dict[str, Any]) -> Layer:
    data = dict(data)
    kind = data.pop("kind")
    if kind not in _LAYERS:
        raise UserError(f"kind of a layer must be one of {', '.join(sorted(_LAYERS))}, not {kind!r}")
    made = _LAYERS[kind]
    known = {field.name for field in fields(made)}
    needed = {field.name for field in fields(made) if field.default is MISSING}
    if not needed <= set(data) <= known:
        wrong = sorted((needed - set(data)) | (set(data) - known))
        raise UserError(f"keys of layer {data.get('name')!r} ({kind}) must be those of its kind; check {wrong}")
    return made(**{key: _value_in(key, value) for key, value in data.items()})


def _value_in(key: str, value: Any) -> Any:
    if value is None:
        return None
    if key in _FORMATS:
        return FixedPoint(**value)
    if key in _WORDS:
        return np.array(value["words"], dtype=np.int64).reshape(value["shape"])
    if key in _TUPLES and isinstance(value, list):
        return tuple(value)
    return value
