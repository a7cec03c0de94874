"""The hls4ml project of a network, written so that its integers are the network's."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from firmware.errors import UserError
from firmware.hls.check import check_graph, check_settings
from firmware.hls.clean import clean_project
from firmware.hls.keras_swap import legacy_keras
from firmware.hls.ports import Interface, Port, TracedLayer, write_interface
from firmware.hls.precisions import LayerTypes, layer_types, plain
from firmware.hls.prepare import HlsLayer, Prepared, prepare
from firmware.network.intervals import exact_formats
from firmware.network.layers import (
    AveragePooling1D,
    AveragePooling2D,
    Conv1D,
    Conv2D,
    Dense,
    MaxPooling1D,
    MaxPooling2D,
)
from firmware.network.network import Network
from firmware.network.windows import padding_amounts
from firmware.settings import FirmwareSettings

__all__ = ["HlsInfo", "write_hls"]

_LOG = logging.getLogger(__name__)
_FULLY_PARALLEL = ("Latency", "distributed_arithmetic")


@dataclass(frozen=True)
class HlsInfo:
    """What was written: the folder's interface, and the reuse factor and strategy of every weighted layer."""

    interface: Interface
    reuse_factors: dict[str, int]
    strategy: str


def write_hls(
    model: Any, network: Network, out_dir: Path | str, settings: FirmwareSettings, *, name: str = "trigger_net",
    namespace: str | None = None, trace: bool = True,
) -> HlsInfo:  # fmt: skip
    """Write a complete hls4ml project for Vitis HLS.

    Every type in it is set from the network's exact ranges, so that nothing is rounded but where the network rounds.
    The folder holds no date, host or absolute path: the same call gives the same bytes.

    Parameters
    ----------
    model : tf_keras.Model
        Trained QKeras model.
    network : Network
        Its description, with weights.
    out_dir : path
        Folder to write; it must not exist, or be empty.
    settings : FirmwareSettings
        Part, clock, strategy, reuse factors.
    name : str
        Name of the top function: a C++ identifier.
    namespace : str, optional
        C++ namespace of everything that is this network's own.
    trace : bool
        Whether C-simulation can show every layer.

    Raises
    ------
    UserError
        hls4ml cannot compute a layer exactly, or would change a setting; the name is no identifier; the folder is full.
    """
    out_dir = Path(out_dir)
    _check_request(network, settings, name, out_dir)
    with _quiet():
        prepared = prepare(model, network)
    types = layer_types(network, exact_formats(network))
    used = {layer.name for layer in prepared.model.layers}
    layers = tuple(layer for layer in prepared.layers if layer.name in used)
    wanted = {layer.name: _types_of(layer, prepared, types) for layer in layers}
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir.parent, prefix=f".{out_dir.name}.") as scratch:
        project = Path(scratch) / "project"
        graph = _convert(prepared, _hls_config(network, settings, layers, wanted), project, settings, name, namespace)
        graph.config.trace_output = trace
        check_graph(graph, wanted)
        check_settings(graph, settings, {layer.name: _reuse(settings, layer.described_by) for layer in layers})
        interface = _interface(graph, prepared, network, types, layers, settings, name)
        _write(graph)
        clean_project(project, graph.config.config)
        write_interface(project, interface)
        if out_dir.exists():
            out_dir.rmdir()
        os.replace(project, out_dir)
    reuse = {layer.name: _reuse(settings, layer.name) for layer in network.layers if isinstance(layer, _WEIGHTED)}
    return HlsInfo(interface, reuse, settings.strategy)


_WEIGHTED = Dense | Conv1D | Conv2D
_POOLING = MaxPooling1D | MaxPooling2D | AveragePooling1D | AveragePooling2D


def _check_request(network: Network, settings: FirmwareSettings, name: str, out_dir: Path) -> None:
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        raise UserError(f"name of the top function must be a C++ identifier, not '{name}'; use letters, digits and _")
    if out_dir.exists() and (not out_dir.is_dir() or any(out_dir.iterdir())):
        raise UserError(f"folder '{out_dir}' must be new or empty; remove it or choose another")
    if not network.is_trained:
        raise UserError(f"network '{network.name}' must have weights; train it, or describe a trained model")
    if isinstance(settings.reuse_factor, Mapping):
        weighted = [layer.name for layer in network.layers if isinstance(layer, _WEIGHTED)]
        unknown = sorted(set(settings.reuse_factor) - set(weighted))
        if unknown:
            raise UserError(f"reuse_factor must name weighted layers ({', '.join(weighted)}), not '{unknown[0]}'")
    if settings.io_type == "io_stream":
        for layer in network.layers:
            if isinstance(layer, _POOLING) and np.any(padding_amounts(layer, network.shapes[layer.source])):
                raise UserError(
                    f"padding of '{layer.name}' must be 'valid' with io_stream (hls4ml's streams cannot pad a "
                    "pooling), not 'same'; choose a length that the windows tile, or io_parallel"
                )
    if settings.strategy == "distributed_arithmetic" and importlib.util.find_spec("da4ml") is None:
        raise UserError(
            "strategy 'distributed_arithmetic' needs the package da4ml, which is not installed; install it, or use "
            "strategy 'Latency' (the Verilog of this project is distributed arithmetic in any case)"
        )


def _types_of(layer: HlsLayer, prepared: Prepared, types: dict[str, LayerTypes]) -> LayerTypes:
    found = types[layer.described_by]
    form = found.result_format
    if prepared.inputs.get(layer.described_by) == layer.name:
        return replace(found, result=plain(form))
    if layer.is_recast:  # hls4ml merges equal types
        return replace(found, result=form.ap_type if found.result == plain(form) else plain(form))
    return found


def _reuse(settings: FirmwareSettings, layer: str) -> int:
    if isinstance(settings.reuse_factor, Mapping):
        return settings.reuse_factor.get(layer, 1)
    return settings.reuse_factor


def _hls_config(
    network: Network, settings: FirmwareSettings, layers: tuple[HlsLayer, ...], wanted: dict[str, LayerTypes]
) -> dict[str, Any]:
    is_parallel = settings.strategy in _FULLY_PARALLEL and settings.io_type == "io_parallel"
    entries: dict[str, Any] = {}
    for layer in layers:
        reuse = _reuse(settings, layer.described_by)
        entry = {
            "Precision": wanted[layer.name].precision,
            "ReuseFactor": reuse,
            "Strategy": settings.strategy,
            "Trace": layer.is_result,
        }
        described = network.layer(layer.described_by)
        if isinstance(described, _WEIGHTED):
            if not isinstance(described, Dense) and is_parallel:
                # hls4ml's default computes one output position at a time, and calls it reuse factor 1.
                entry["ParallelizationFactor"] = prod(network.shapes[described.name][:-1])
            # hls4ml puts a linear activation behind every plain layer, and removes it where types agree.
            entries[f"{layer.name}_linear"] = {"Precision": {"result": wanted[layer.name].result}, "ReuseFactor": reuse}
        entries[layer.name] = entry
    base = settings.reuse_factor if isinstance(settings.reuse_factor, int) else 1
    model = {"Precision": {"default": "ap_fixed<16,6>"}, "ReuseFactor": base, "Strategy": settings.strategy}
    return {"Model": model, "LayerName": entries}


def _convert(
    prepared: Prepared, config: dict[str, Any], project: Path, settings: FirmwareSettings, name: str,
    namespace: str | None,
) -> Any:  # fmt: skip
    with _quiet(), legacy_keras():
        import hls4ml

        graph = hls4ml.converters.convert_from_keras_model(
            prepared.model,
            output_dir=str(project),
            project_name=name,
            backend=settings.backend,
            hls_config=config,
            bit_exact=False,
            part=settings.part,
            clock_period=settings.clock_period_ns,
            io_type=settings.io_type,
            # One copy of the weights, in the headers: what is simulated is what is synthesised.
            write_weights_txt=False,
            namespace=namespace,
        )
    return graph


def _write(graph: Any) -> None:
    graph.config.config.pop("KerasModel", None)
    with _quiet():
        graph.write()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what hls4ml and Keras print or warn of to the log."""
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        for line in text.getvalue().splitlines():
            _LOG.debug("hls4ml: %s", line)
    for warning in caught:
        _LOG.debug("hls4ml: %s", warning.message)


def _interface(
    graph: Any,
    prepared: Prepared,
    network: Network,
    types: dict[str, LayerTypes],
    layers: tuple[HlsLayer, ...],
    settings: FirmwareSettings,
    name: str,
) -> Interface:
    inputs = {node_name: graph.graph[node_name] for node_name in graph.inputs}
    by_hls_name = {hls_name: network_name for network_name, hls_name in prepared.inputs.items()}
    ordered = []
    for hls_name, node in inputs.items():
        described = by_hls_name[hls_name]
        argument = node.get_output_variable().name
        ordered.append(Port(described, argument, network.shapes[described], types[described].result_format))
    outputs = []
    for described in network.outputs:
        argument = graph.output_vars[_output_key(graph, prepared.outputs[described])].name
        outputs.append(Port(described, argument, network.shapes[described], exact_formats(network)[described].format))
    traced = []
    for layer in layers:
        node = graph.graph.get(layer.name)
        if layer.is_result and node is not None and node.get_attr("function_cpp") is not None:
            traced.append(TracedLayer(layer.described_by, layer.name, network.shapes[layer.described_by]))
    arguments = tuple(variable.name for variable in graph.get_output_variables())
    return Interface(name, settings.io_type, tuple(ordered), tuple(outputs), arguments, tuple(traced))


def _output_key(graph: Any, hls_name: str) -> str:
    for key in graph.outputs:
        if key == hls_name or key.startswith(f"{hls_name}_cpy"):
            return str(key)
    raise AssertionError(f"hls4ml lost the output '{hls_name}': {graph.outputs}")
