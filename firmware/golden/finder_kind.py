"""Golden projects of a whole vertex finder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.golden.folder import Golden
from firmware.golden.values import Seen, Values, digest
from firmware.network.qkeras_io import from_qkeras
from firmware.project import Project, cache_dir
from firmware.settings import FirmwareSettings
from firmware.vertex.blocks import FinderTrace
from firmware.vertex.compare import outputs_of
from firmware.vertex.convert import convert_finder
from firmware.vertex.emulate import FinderEmulator
from firmware.vertex.events import FinderEvents, FinderOutputs, check_events
from firmware.vertex.finder import VertexFinder
from firmware.vertex.project import load_models, read_finder, read_programs
from firmware.vertex.reference import evaluate_blocks
from firmware.vertex.stimulus import pick
from firmware.vertex.vectors import read_vectors

__all__ = ["FinderKind"]

Arrays = Mapping[str, NDArray[Any]]
_PER_EVENT = ("bin", "z0", "peak", "truncated")
_PER_TRACK = ("kept", "weight", "association")
_TRACKS = 4_000
"""Of all stored events together: some 200 kB of text."""
_EVENTS = 200


class FinderKind:
    """See :class:`firmware.golden.kinds.Kind`; layers are the finder's blocks."""

    events = 300

    def stored(self, project: Project, most: int | None) -> tuple[Arrays, Arrays, Mapping[str, int]]:
        """Events evenly from all that are stored."""
        events, outputs = read_vectors(project.vectors)
        count = min(len(events), most if most is not None else _fitting(events))
        rows = np.linspace(0, len(events) - 1, count).round().astype(np.int64)
        chosen = pick(events, rows)
        parts = [outputs_of(events, outputs, int(row)) for row in rows]
        words = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in (*_PER_EVENT, *_PER_TRACK)
        }
        inputs: Arrays = {"start": chosen.start, "lane": chosen.lane, "words": chosen.words}
        return inputs, words, _fractions(read_finder(project.folder))

    def check_arrays(self, golden: Golden) -> None:
        """Events that fit together and enter this finder, and as many answers."""
        if set(golden.inputs) != {"start", "lane", "words"} or set(golden.outputs) != {*_PER_EVENT, *_PER_TRACK}:
            raise UserError(f"vectors of golden project '{golden.folder.name}' must be those of a vertex finder")
        words = golden.inputs["words"]
        if words.ndim != 2 or (words.size and not 0 <= words.min() <= words.max() < 1 << 32):
            raise UserError("vectors of input 'words' must be rows of words of 32 bits; restore the file")
        events = _events(golden.inputs)
        if not len(events):
            raise UserError("vectors must hold at least 1 event; restore the files")
        check_events(read_finder(golden.folder), events)
        for name, array in golden.outputs.items():
            shape = (len(events.words) if name in _PER_TRACK else len(events),)
            if array.shape != shape:
                raise UserError(f"vectors of output '{name}' must have shape {shape}, not {array.shape}")

    def values(self, golden: Golden) -> Values:
        """The golden words, by field of `FinderOutputs`."""
        return _values(golden.outputs, golden.fractions, _events(golden.inputs))

    def events_of(self, golden: Golden) -> Any:
        """A `FinderEvents`."""
        return _events(golden.inputs)

    def regenerate(self, golden: Golden, settings: FirmwareSettings, about: Any, out_dir: Path) -> Path:
        """From the models and the description."""
        return convert_finder(
            read_finder(golden.folder), out_dir, settings, name=golden.name, models=load_models(golden.folder),
            events=_events(golden.inputs), about=about,
        )  # fmt: skip

    def watch(self, project: Project, rung: str, inputs: Arrays) -> Seen:
        """Run one rung."""
        rungs: dict[str, Callable[[Project, VertexFinder, FinderEvents], tuple[FinderOutputs, dict[str, str]]]] = {
            "model": _model, "qkeras": _qkeras, "emulator": _emulator, "hls": _hls,
        }  # fmt: skip
        finder, events = read_finder(project.folder), _events(inputs)
        outputs, steps = rungs[rung](project, finder, events)
        words = {name: getattr(outputs, name).astype(np.int64) for name in (*_PER_EVENT, *_PER_TRACK)}
        return Seen(_values(words, _fractions(finder), events), steps)


def _fitting(events: FinderEvents) -> int:
    """As many events, spread evenly, as have no more tracks than a folder should hold."""
    mean = max(len(events.words) / len(events), 1.0)
    return max(1, min(_EVENTS, int(_TRACKS / mean)))


def _events(inputs: Arrays) -> FinderEvents:
    return FinderEvents(
        inputs["start"].astype(np.int64), inputs["lane"].astype(np.int64), inputs["words"].astype(np.uint32)
    )


def _values(words: Mapping[str, NDArray[np.int64]], fractions: Mapping[str, int], events: FinderEvents) -> Values:
    return Values(words, fractions, len(events), dict.fromkeys(_PER_TRACK, events.event))


def _fractions(finder: VertexFinder) -> dict[str, int]:
    formats = {
        "weight": finder.weight_format, "peak": finder.pattern_format, "association": finder.association_format,
    }  # fmt: skip
    return {name: formats[name].fraction if name in formats else 0 for name in (*_PER_EVENT, *_PER_TRACK)}


def _model(project: Project, finder: VertexFinder, events: FinderEvents) -> tuple[FinderOutputs, dict[str, str]]:
    return _with_steps(*evaluate_blocks(finder, events))


def _emulator(project: Project, finder: VertexFinder, events: FinderEvents) -> tuple[FinderOutputs, dict[str, str]]:
    return _with_steps(*FinderEmulator(finder, read_programs(project.folder)).trace(events))


def _qkeras(project: Project, finder: VertexFinder, events: FinderEvents) -> tuple[FinderOutputs, dict[str, str]]:
    from firmware.vertex.qkeras_rung import predict_finder

    models = load_models(project.folder)
    described = {name: from_qkeras(model) for name, model in models.items()}
    return _with_steps(*predict_finder(finder, models, described, events))


def _hls(project: Project, finder: VertexFinder, events: FinderEvents) -> tuple[FinderOutputs, dict[str, str]]:
    from firmware.vertex.hls import build

    simulation = build(project.hls, cache_dir() / "csim")
    outputs, blocks = simulation.predict(events), simulation.blocks(events)
    unseen = FinderTrace({}, blocks.histogram, blocks.pattern, np.zeros(0, np.int64))
    outputs, steps = _with_steps(outputs, unseen)
    return outputs, {name: step for name, step in steps.items() if name not in ("features", "distance")}


def _with_steps(outputs: FinderOutputs, trace: FinderTrace) -> tuple[FinderOutputs, dict[str, str]]:
    """Digests of the blocks, in the order of the data, as `firmware.vertex.blocks` names them."""
    features = [trace.features[name] for name in trace.features]
    blocks: dict[str, list[NDArray[Any]]] = {
        "lanes": [outputs.kept, outputs.truncated], "features": features, "weight": [outputs.weight],
        "histogram": [trace.histogram.ravel()], "pattern": [trace.pattern.ravel()],
        "argmax": [outputs.bin, outputs.z0, outputs.peak], "distance": [trace.distance],
        "association": [outputs.association],
    }  # fmt: skip
    empty = np.zeros(0, np.int64)
    steps = {
        name: digest(np.concatenate([empty, *(part.astype(np.int64) for part in parts)]))
        for name, parts in blocks.items()
    }
    return outputs, steps
