"""Golden projects of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph import emulate, load_program
from firmware.convert import convert
from firmware.errors import UserError
from firmware.golden.folder import Golden
from firmware.golden.values import Seen, Values, digest, digest_of_reals
from firmware.network.intervals import exact_formats
from firmware.network.network import Network
from firmware.network.reference import evaluate
from firmware.network.serial import from_json
from firmware.project import Project, cache_dir, read_vectors
from firmware.proof import prove
from firmware.settings import FirmwareSettings
from firmware.verify.first_layer import first_layer_of_program

__all__ = ["NetworkKind"]

Arrays = Mapping[str, NDArray[Any]]
_VECTORS = 500
_WORDS = 60_000
"""Of all vectors together: some 250 kB of text."""


class NetworkKind:
    """See :class:`firmware.golden.kinds.Kind`; layers are those of the network."""

    events = 5_000

    def stored(self, project: Project, most: int | None) -> tuple[Arrays, Arrays, Mapping[str, int]]:
        """Events evenly from all that are stored."""
        program = load_program(project.program)
        vectors = read_vectors(project.vectors, program.inputs, program.outputs)
        each = sum(array[0].size for array in (*vectors.inputs.values(), *vectors.outputs.values()))
        count = min(vectors.events, most if most is not None else max(1, min(_VECTORS, _WORDS // each)))
        rows = np.linspace(0, vectors.events - 1, count).round().astype(np.int64)
        fractions = {port.name: port.format.fraction for port in program.outputs}
        return (
            {name: words[rows] for name, words in vectors.inputs.items()},
            {name: words[rows] for name, words in vectors.outputs.items()},
            fractions,
        )

    def check_arrays(self, golden: Golden) -> None:
        """Names, shapes and ranges as the ports say, and the same number of events everywhere."""
        count = golden.events
        for direction, arrays in (("input", golden.inputs), ("output", golden.outputs)):
            ports = {port["name"]: port for port in golden.ports if port["direction"] == direction}
            if set(arrays) != set(ports):
                raise UserError(f"vectors must be those of the {direction}s {sorted(ports)}, not {sorted(arrays)}")
            for name, words in arrays.items():
                shape = (count, *ports[name]["shape"])
                if words.shape != shape or not count:
                    raise UserError(f"vectors of {direction} '{name}' must have shape {shape}, not {words.shape}")
                low, high = _range(ports[name])
                if words.min() < low or words.max() > high:
                    raise UserError(
                        f"vectors of {direction} '{name}' must be {low} to {high}, not {words.min()} to {words.max()}"
                    )

    def values(self, golden: Golden) -> Values:
        """The golden words, by output."""
        return Values(golden.outputs, golden.fractions, golden.events)

    def events_of(self, golden: Golden) -> Any:
        """A mapping of input names to words."""
        return golden.inputs

    def regenerate(self, golden: Golden, settings: FirmwareSettings, about: Any, out_dir: Path) -> Path:
        """From the model's file."""
        files = sorted(golden.folder.glob("model/model.*"))
        return convert(files[0], out_dir, settings, name=golden.name, events=golden.inputs, about=about)

    def watch(self, project: Project, rung: str, inputs: Arrays) -> Seen:
        """Run one rung."""
        network = from_json(project.network.read_text())
        rungs: dict[str, Callable[[Project, Network, Arrays], Seen]] = {
            "model": _model, "qkeras": _qkeras, "emulator": _emulator, "hls": _hls,
        }  # fmt: skip
        return rungs[rung](project, network, inputs)


def _range(port: Mapping[str, Any]) -> tuple[int, int]:
    width = int(port["width"])
    return (-(1 << (width - 1)), (1 << (width - 1)) - 1) if port["signed"] else (0, (1 << width) - 1)


def _model(project: Project, network: Network, inputs: Arrays) -> Seen:
    tensors = evaluate(network, inputs)
    words = {name: tensors[name].words for name in network.outputs}
    values = Values(words, {name: tensors[name].fraction for name in words}, _count(inputs))
    return Seen(values, {name: digest(tensors[name].words, tensors[name].fraction) for name in _layers(network)})


def _qkeras(project: Project, network: Network, inputs: Arrays) -> Seen:
    from firmware.network.qkeras_io import from_qkeras, load_model
    from firmware.network.qkeras_run import predict_words

    model = load_model(project.model)
    described = from_qkeras(model)
    fractions = {name: interval.fraction for name, interval in exact_formats(described).items()}
    every = predict_words(model, described, inputs, every_layer=True)
    outputs = {name: every[name] for name in described.outputs}
    values = Values(outputs, {name: fractions[name] for name in outputs}, _count(inputs))
    return Seen(values, {name: digest(every[name], fractions[name]) for name in _layers(described) if name in every})


def _emulator(project: Project, network: Network, inputs: Arrays) -> Seen:
    program = load_program(project.program)
    words = emulate(program, inputs)
    values = Values(words, {port.name: port.format.fraction for port in program.outputs}, _count(inputs))

    def locate(event: int) -> str | None:
        # A tracer that moved traces the same again: the proof knows nothing of the tracer.
        proof = prove(program, network)
        if proof.refuted and proof.first_layer is not None:
            return f"{proof.first_layer} (emulator)"
        return first_layer_of_program(network, program, {name: array[[event]] for name, array in inputs.items()})

    # Its operations are seen one event at a time: only outputs are digested.
    steps = {name: digest(array, values.fractions[name]) for name, array in words.items()}
    return Seen(values, steps, locate)


def _hls(project: Project, network: Network, inputs: Arrays) -> Seen:
    from firmware.hls.csim import build

    simulation = build(project.hls, cache_dir() / "csim")
    words = simulation.predict(inputs)
    layers = simulation.every_layer(inputs)
    exact = exact_formats(network)
    fractions = {port.name: port.format.fraction for port in simulation.interface.outputs}
    steps = {
        name: digest_of_reals(layers[name], exact[name].fraction) for name in _layers(network) if name in layers
    }
    return Seen(Values(words, fractions, _count(inputs)), steps)


def _layers(network: Network) -> list[str]:
    return [layer.name for layer in network.layers]


def _count(inputs: Arrays) -> int:
    return len(next(iter(inputs.values())))
