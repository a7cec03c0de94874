"""hls4ml corrects and drops things without a word: compare its graph with what was asked."""

from __future__ import annotations

from typing import Any

from firmware.errors import UserError
from firmware.hls.precisions import LayerTypes
from firmware.settings import FirmwareSettings

__all__ = ["check_graph", "check_settings"]

_HELPERS = ("Clone", "Repack", "ZeroPadding1D", "ZeroPadding2D")
"""Nodes that hls4ml adds for streams: they move values and must keep their type."""


class LostExactnessError(AssertionError):
    """hls4ml made something other than what was asked: a fault of this program, not of its user."""


def check_graph(graph: Any, wanted: dict[str, LayerTypes]) -> None:
    """Check that every layer is there, under the types it was given.

    Raises
    ------
    LostExactnessError
        A layer was dropped, added or retyped.
    """
    for node in graph.get_layers():
        kind = node.class_name
        if node.name in wanted:
            _check_types(node, wanted[node.name], graph)
        elif kind in _HELPERS:
            source = node.get_input_variable().type.precision
            for variable in node.get_variables():
                _same(f"type of '{node.name}'", variable.type.precision, source)
        else:
            raise LostExactnessError(f"hls4ml added the layer '{node.name}' ({kind})")
    for name in wanted:
        if name not in graph.graph and f"repack_{name}" not in graph.graph:
            raise LostExactnessError(f"hls4ml dropped the layer '{name}'")


def check_settings(graph: Any, settings: FirmwareSettings, reuse_factors: dict[str, int]) -> None:
    """Check that part, clock, interface, strategy and reuse factors are those asked for.

    Raises
    ------
    UserError
        hls4ml replaced a reuse factor or a strategy.
    """
    config = graph.config.config
    for key, value in (
        ("Part", settings.part),
        ("ClockPeriod", settings.clock_period_ns),
        ("IOType", settings.io_type),
    ):
        if config[key] != value:
            raise LostExactnessError(f"hls4ml changed {key} from {value} to {config[key]}")
    for node in graph.get_layers():
        if node.name not in reuse_factors or not node.weights:
            continue
        asked, got = reuse_factors[node.name], node.get_attr("reuse_factor")
        valid = _valid_reuse_factors(node, settings)
        # hls4ml forgets its own rule for convolutions of kernel 1, and computes something else.
        if asked != got or (valid is not None and asked not in valid):
            raise UserError(
                f"reuse_factor for '{node.name}' must be one with which hls4ml's strategy {settings.strategy} is "
                f"correct, not {asked}; valid: {', '.join(map(str, valid or [got]))}"
            )
        strategy = node.get_attr("strategy")
        if strategy.lower() != settings.strategy.lower():
            raise UserError(
                f"strategy of '{node.name}' must be one that hls4ml keeps, not {settings.strategy}; it used {strategy}"
            )


def _valid_reuse_factors(node: Any, settings: FirmwareSettings) -> list[int] | None:
    """Those under which the resource strategy computes the right thing; None: any."""
    if settings.strategy != "Resource":
        return None
    backend = node.model.config.backend
    n_in, n_out = backend.get_layer_mult_size(node)
    valid: list[int] = backend.get_valid_reuse_factors(n_in, n_out)
    return [factor for factor in valid if factor <= n_in] if "Conv" in node.class_name else valid


def _check_types(node: Any, types: LayerTypes, graph: Any) -> None:
    parse = graph.config.backend.convert_precision_string
    for variable in node.get_variables():
        _same(f"result type of '{node.name}'", variable.type.precision, parse(types.result))
    if types.accum is not None:
        _same(f"accumulator type of '{node.name}'", node.get_attr("accum_t").precision, parse(types.accum))
    for key, text in (("weight", types.weight), ("bias", types.bias)):
        if text is not None:
            _same(f"{key} type of '{node.name}'", node.weights[key].type.precision, parse(text))


def _same(subject: str, got: Any, wanted: Any) -> None:
    if not wanted == got:
        raise LostExactnessError(f"hls4ml changed the {subject} from {wanted} to {got}")
