"""The rungs of a finder's ladder that run in Python: vectors, QKeras and C-simulation, each against the emulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.project import Project
from firmware.verify.report import Check
from firmware.vertex.blocks import FinderTrace, first_block, likely_block
from firmware.vertex.compare import ALL, compare_outputs, count_words, located
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.events import FinderEvents, FinderOutputs
from firmware.vertex.finder import VertexFinder
from firmware.vertex.reference import evaluate_blocks
from firmware.vertex.stimulus import FinderStimulus
from firmware.vertex.vectors import text_matches

if TYPE_CHECKING:
    from firmware.vertex.hls import FinderCSimulation

__all__ = [
    "FinderLadder", "associated_problems", "check_hls", "check_qkeras", "check_vectors", "failed_check",
    "locate_by_outputs", "make_check", "middle_word",
]  # fmt: skip

Locate = Callable[[FinderEvents], str | None]


@dataclass(frozen=True)
class FinderLadder:
    """What the rungs share.

    Parameters
    ----------
    project : Project
    emulator : FinderEmulator
        Of the stored programs and description.
    stimulus : FinderStimulus
    expected : FinderOutputs
        The emulator's, of the stimulus.
    """

    project: Project
    emulator: FinderEmulator
    stimulus: FinderStimulus
    expected: FinderOutputs

    @property
    def finder(self) -> VertexFinder:
        """The stored description."""
        return self.emulator.finder


def check_vectors(ladder: FinderLadder, events: FinderEvents, outputs: FinderOutputs) -> Check:
    """The stored vectors against the emulator's answers to their inputs."""
    stored = FinderStimulus(events, {"vectors": len(events)})
    expected = ladder.emulator.run(events)
    problems = []
    if not text_matches(ladder.project.vectors, events, outputs):
        problems.append("vectors/vectors.txt must say the same as the arrays beside it, and does not")

    def locate(one: FinderEvents) -> str | None:
        return _emulator_block(ladder, one)

    return make_check("vectors_vs_emulator", ladder, stored, expected, outputs, locate=locate, problems=problems)


def check_qkeras(ladder: FinderLadder) -> Check:
    """The stored QKeras models' own graphs, with the other blocks in float64, against the emulator."""
    from firmware.network.qkeras_io import from_qkeras
    from firmware.network.qkeras_run import needs_float64
    from firmware.network.serial import to_json
    from firmware.vertex.project import load_models, networks
    from firmware.vertex.qkeras_rung import predict_finder

    name = "qkeras_vs_emulator"
    models = load_models(ladder.project.folder)
    described = {key: from_qkeras(model) for key, model in models.items()}
    wide = any(needs_float64(models[key], network) for key, network in described.items())
    details = {"precision": "float64" if wide else "float32"}
    problems = [
        f"model/finder.json must describe the model '{key}' beside it, and does not"
        for key, network in networks(ladder.finder).items()
        if to_json(described[key]) != to_json(network)
    ]
    try:
        received = predict_finder(ladder.finder, models, described, ladder.stimulus.events)[0]
    except (ArithmeticError, UserError, KeyError) as error:
        # The stored models have words of their own, or other inputs: that is a verdict on them.
        return failed_check(name, ladder, str(error), details)

    def locate(one: FinderEvents) -> str | None:
        found = predict_finder(ladder.finder, models, described, one)
        return first_block(evaluate_blocks(ladder.finder, one), found) or _emulator_block(ladder, one)

    return make_check(
        name, ladder, ladder.stimulus, ladder.expected, received, locate=locate, problems=problems, details=details
    )


def check_hls(ladder: FinderLadder, build: Future[FinderCSimulation]) -> Check:
    """The HLS sources, compiled by the C++ compiler, against the emulator."""
    name = "hls_csim_vs_emulator"
    threshold = middle_word(ladder.expected)
    events = ladder.stimulus.events
    try:
        simulation = build.result()
        received, associated = simulation.run(events, threshold)
    except UserError as error:
        # What is in the folder does not compile, or has other lanes: that is a verdict on it.
        return failed_check(name, ladder, str(error))

    def locate(one: FinderEvents) -> str | None:
        outputs, trace = evaluate_blocks(ladder.finder, one)
        found, blocks = simulation.predict(one), simulation.blocks(one)
        block = likely_block(outputs, trace, found)
        if block is not None and block != "lanes" and np.array_equal(outputs.weight, blocks.weight):
            # Seen: the histogram and the convolution.
            seen = FinderTrace(trace.features, blocks.histogram, blocks.pattern, trace.distance)
            block = first_block((outputs, trace), (found, seen))
            block = "distance or association" if block == "association" else block
        return block or _emulator_block(ladder, one)

    problems = associated_problems(ladder.expected, associated, threshold)
    return make_check(
        name, ladder, ladder.stimulus, ladder.expected, received, locate=locate, problems=problems,
        details={"association_threshold": threshold},
    )  # fmt: skip


def middle_word(outputs: FinderOutputs) -> int:
    """An association word that occurs, in the middle of those that do: as a threshold, tracks lie on and about it."""
    words = np.sort(outputs.association[outputs.kept])
    return int(words[len(words) // 2]) if len(words) else 0


def associated_problems(expected: FinderOutputs, associated: NDArray[np.bool_], threshold: int) -> list[str]:
    """What is wrong with the tracks said to belong to the vertex."""
    wanted = expected.kept & (expected.association >= threshold)
    if associated.shape != wanted.shape:
        return [f"tracks must be associated or not {len(wanted)} times, not {len(associated)}"]
    wrong = np.flatnonzero(wanted != associated)
    if not len(wrong):
        return []
    track = int(wrong[0])
    return [
        f"{len(wrong)} tracks must be associated where their word reaches the threshold {threshold}, and are not so; "
        f"first track {track} with the word {expected.association[track]}"
    ]


def locate_by_outputs(ladder: FinderLadder, one: FinderEvents, received: FinderOutputs) -> str | None:
    """The block of one event, told from outputs alone."""
    return likely_block(*evaluate_blocks(ladder.finder, one), received) or _emulator_block(ladder, one)


def make_check(
    name: str, ladder: FinderLadder, stimulus: FinderStimulus, expected: FinderOutputs, received: FinderOutputs, *,
    names: Sequence[str] = ALL, locate: Locate | None = None, problems: Sequence[str] = (),
    details: Mapping[str, Any] | None = None,
) -> Check:  # fmt: skip
    """A check from a comparison; the block is looked for only if something differs."""
    comparison = compare_outputs(ladder.finder, stimulus.events, expected, received, names)
    first = comparison.first
    if first is not None:
        first = located(first, stimulus, first.event, locate if locate is not None else lambda one: None)
    return Check(
        name, events=len(stimulus.events), outputs=len(names), mismatches=comparison.mismatches, first_mismatch=first,
        problems=(*comparison.problems, *problems),
        details={"tracks": len(stimulus.events.words), "words": count_words(stimulus.events, names), **(details or {})},
    )  # fmt: skip


def failed_check(
    name: str, ladder: FinderLadder, problem: str, details: Mapping[str, Any] | None = None
) -> Check:
    """A check that could not compare anything: every event counts as a mismatch."""
    events = len(ladder.stimulus.events)
    return Check(name, events, len(ALL), mismatches=events, problems=(problem,), details=details or {})


def _emulator_block(ladder: FinderLadder, one: FinderEvents) -> str | None:
    """The block in which the stored programs leave the stored description, or None."""
    block = first_block(evaluate_blocks(ladder.finder, one), ladder.emulator.trace(one))
    return None if block is None else f"{block} (emulator)"
