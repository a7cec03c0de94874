"""The rungs that run in Python: each compares one way of computing the network with the emulator, word by word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph import Program, emulate
from firmware.errors import UserError
from firmware.network.network import Network
from firmware.project import Project, Vectors, text_matches
from firmware.verify.compare import Comparison, Outputs, compare
from firmware.verify.first_layer import first_layer, first_layer_of_program
from firmware.verify.report import Check
from firmware.verify.stimulus import Stimulus

if TYPE_CHECKING:
    from firmware.hls.csim import CSimulation

__all__ = ["Ladder", "check_hls", "check_qkeras", "check_vectors", "emulator_outputs", "failed_check", "make_check"]

EventWords = Mapping[str, NDArray[np.int64]]
Locate = Callable[[int], str | None]


@dataclass(frozen=True)
class Ladder:
    """What the rungs share.

    Parameters
    ----------
    project : Project
    network : Network
        Its stored description; only to name layers.
    program : Program
        Its stored emulator.
    stimulus : Stimulus
    expected : Outputs
        The emulator's words for the stimulus.
    """

    project: Project
    network: Network
    program: Program
    stimulus: Stimulus
    expected: Outputs


def emulator_outputs(program: Program, words: EventWords) -> Outputs:
    """The emulator's words, at each output's exact format."""
    return Outputs(emulate(program, words), {port.name: port.format.fraction for port in program.outputs})


def check_vectors(ladder: Ladder, vectors: Vectors) -> Check:
    """The stored vectors against the emulator's answers to their inputs."""
    expected = emulator_outputs(ladder.program, vectors.inputs)
    comparison = compare(expected, Outputs(vectors.outputs, expected.fractions))
    problems = []
    if not text_matches(ladder.project.vectors, vectors, ladder.program.inputs, ladder.program.outputs):
        problems.append("vectors/vectors.txt must say the same as the arrays beside it, and does not")
    stored = Stimulus(vectors.inputs, {"vectors": vectors.events})

    def locate(event: int) -> str | None:
        return first_layer_of_program(ladder.network, ladder.program, stored.take(np.array([event])))

    return make_check("vectors_vs_emulator", comparison, expected, stored, locate=locate, problems=problems)


def check_qkeras(ladder: Ladder) -> Check:
    """The stored QKeras model's own graph against the emulator."""
    from firmware.network.intervals import exact_formats
    from firmware.network.qkeras_io import from_qkeras, load_model
    from firmware.network.qkeras_run import needs_float64, predict_words
    from firmware.network.serial import to_json

    name = "qkeras_vs_emulator"
    model = load_model(ladder.project.model)
    network = from_qkeras(model)
    formats = {layer: interval.format for layer, interval in exact_formats(network).items()}
    details = {"precision": "float64" if needs_float64(model, network) else "float32"}
    try:
        words = predict_words(model, network, ladder.stimulus.words)
    except (ArithmeticError, UserError) as error:
        # The stored model has words of its own, or other inputs: that is a verdict on it.
        return failed_check(name, ladder, str(error), details)

    def locate(event: int) -> str | None:
        events = ladder.stimulus.take(np.array([event]))
        every = predict_words(model, network, events, every_layer=True)
        values = {layer: formats[layer].to_float(tensor) for layer, tensor in every.items()}
        return first_layer(ladder.network, ladder.program, events, values)

    received = Outputs(words, {output: formats[output].fraction for output in words})
    problems = []
    if to_json(network) != to_json(ladder.network):
        problems.append("model/network.json must describe the model beside it, and does not")
    return make_check(
        name, compare(ladder.expected, received), ladder.expected, ladder.stimulus,
        locate=locate, problems=problems, details=details,
    )  # fmt: skip


def check_hls(ladder: Ladder, build: Future[CSimulation]) -> Check:
    """The HLS sources, compiled by the C++ compiler, against the emulator."""
    name = "hls_csim_vs_emulator"
    try:
        simulation = build.result()
        words = simulation.predict(ladder.stimulus.words)
    except UserError as error:
        # What is in the folder does not compile, or has other ports: that is a verdict on it.
        return failed_check(name, ladder, str(error))

    def locate(event: int) -> str | None:
        events = ladder.stimulus.take(np.array([event]))
        return first_layer(ladder.network, ladder.program, events, simulation.every_layer(events))

    received = Outputs(words, {port.name: port.format.fraction for port in simulation.interface.outputs})
    comparison = compare(ladder.expected, received)
    return make_check(name, comparison, ladder.expected, ladder.stimulus, locate=locate)


def make_check(
    name: str, comparison: Comparison, expected: Outputs, stimulus: Stimulus, *, locate: Locate | None = None,
    problems: list[str] | None = None, details: Mapping[str, Any] | None = None,
) -> Check:
    """A check from a comparison over the whole stimulus; the first layer is looked for only if something differs."""
    first = comparison.first
    if first is not None:
        first = first.found_in(stimulus, first.event)
        first = first.with_layer(locate(first.event) if locate is not None else None)
    return Check(
        name, events=len(comparison.differs), outputs=expected.size, mismatches=comparison.mismatches,
        first_mismatch=first, problems=(*comparison.problems, *(problems or ())), details=details or {},
    )  # fmt: skip


def failed_check(name: str, ladder: Ladder, problem: str, details: Mapping[str, Any] | None = None) -> Check:
    """A check that could not compare anything: every event counts as a mismatch."""
    events = ladder.stimulus.events
    return Check(name, events, ladder.expected.size, mismatches=events, problems=(problem,), details=details or {})
