"""``convert``: a network in, a complete project out."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.adder_graph import Program, emulate, trace_network
from firmware.errors import UserError
from firmware.hls import write_hls, write_test_vectors
from firmware.legality import check
from firmware.network.network import Network
from firmware.network.qkeras_io import from_qkeras, load_model, to_qkeras
from firmware.network.serial import to_json
from firmware.project import Manifest, Vectors, hash_files, new_project, package_versions, write_manifest, write_vectors
from firmware.project.callable_module import make_callable
from firmware.project.folder import check_name
from firmware.resources import estimate
from firmware.rtl import RtlInfo, stage_budget_ns, write_rtl
from firmware.settings import FirmwareSettings
from firmware.verify.stimulus import InputPort, check_events, default_stimulus
from firmware.vertex.events import FinderEvents
from firmware.vertex.finder import VertexFinder

__all__ = ["convert"]

_DEFAULT_VECTORS = 2_000
_TEST_BENCH_EVENTS = 1_000
"""In ``hls/tb_data/``, for the vendor's own simulations, which are slow."""
_MODEL_FILES = (".h5", ".keras")


def convert(
    model: Any, out_dir: Path | str, settings: FirmwareSettings | None = None, *, name: str,
    events: Mapping[str, NDArray[np.integer]] | FinderEvents | None = None, about: Mapping[str, Any] | None = None,
) -> Path:
    """Write a project: HLS, Verilog, emulator, vectors and manifest, whole or not at all.

    HLS is made from the QKeras model by hls4ml; emulator and Verilog from the description read off the same model,
    independently of hls4ml. That they agree is not assumed: :func:`firmware.verify` measures it.

    Parameters
    ----------
    model : path, tf_keras.Model, Network or VertexFinder
        A file (.h5 or .keras), which is kept in the project as it is; a QKeras model; or a trained description. Of a
        finder see also :func:`firmware.vertex.convert.convert_finder`, which takes its models.
    out_dir : path
        Folder in which the project's folder is made. A project of that name there is replaced, in one step, once
        the new one is complete.
    settings : FirmwareSettings, optional
    name : str
        Name of the project and of its folder.
    events : mapping of input name to integer array of shape (events, *shape), or FinderEvents, optional
        The study's test events, stored as vectors; default: patterns and random words.
    about : mapping of JSON values, optional
        What the words mean (the variable behind each input, thresholds on the output); kept as ``about.json``.

    Returns
    -------
    Path
        The project's folder.

    Raises
    ------
    UserError
        The model or a setting cannot be had in firmware exactly, nothing can meet the latency budget, events do not
        fit, or something else is in the folder's place. Nothing is left behind, and an earlier project is untouched.
    """
    settings = settings if settings is not None else FirmwareSettings()
    check_name(name)
    if isinstance(model, VertexFinder):
        return _convert_finder(model, out_dir, settings, name, events, about)
    if isinstance(events, FinderEvents):
        raise UserError("events of a network must be a mapping of its inputs' names to words, not FinderEvents")
    folder = Path(out_dir) / name
    with new_project(folder) as project:
        kept = _keep_model(model, project / "model")
        loaded = load_model(kept)
        network = from_qkeras(loaded)
        check(network, settings)
        (project / "model" / "network.json").write_text(to_json(network))
        program = trace_network(network, stage_ns=stage_budget_ns(settings))
        (project / "emulator").mkdir()
        program.save(project / "emulator" / "program.json.gz")
        rtl = write_rtl(program, project / "rtl", settings)
        vectors = _vectors(program, events)
        write_vectors(project / "vectors", vectors, program.inputs, program.outputs)
        write_hls(loaded, network, project / "hls", settings)
        write_test_vectors(
            project / "hls",
            {port: words[:_TEST_BENCH_EVENTS] for port, words in vectors.inputs.items()},
            {port: words[:_TEST_BENCH_EVENTS] for port, words in vectors.outputs.items()},
        )
        if about is not None:
            (project / "about.json").write_text(json.dumps(about, indent=1) + "\n")
        write_manifest(project, _manifest(name, settings, program, rtl, vectors, events is not None, project))
    return folder


def _convert_finder(
    finder: VertexFinder, out_dir: Path | str, settings: FirmwareSettings, name: str, events: Any,
    about: Mapping[str, Any] | None,
) -> Path:
    from firmware.vertex.convert import convert_finder

    if events is not None and not isinstance(events, FinderEvents):
        raise UserError(f"events of a vertex finder must be FinderEvents, not {type(events).__name__}")
    return convert_finder(finder, out_dir, settings, name=name, events=events, about=about)


def _keep_model(model: Any, folder: Path) -> Path:
    """The model as a file in the project: everything after this starts from that file."""
    folder.mkdir()
    if isinstance(model, str | Path):
        source = Path(model)
        if source.suffix not in _MODEL_FILES:
            endings = " or ".join(_MODEL_FILES)
            raise UserError(f"model file must end in {endings}, not '{source.name}'; save it with model.save()")
        if not source.is_file():
            raise UserError(f"model file '{source}' must exist, and does not")
        return Path(shutil.copyfile(source, folder / f"model{source.suffix}"))
    keras_model = to_qkeras(model) if isinstance(model, Network) else model
    from_qkeras(keras_model)  # refuses what is no model, before it is saved
    path = folder / "model.h5"
    with warnings.catch_warnings():
        # HDF5 is the one format of the two whose bytes are the same at every save; quantisers serialise as they should.
        warnings.filterwarnings("ignore", "You are saving your model as an HDF5 file", UserWarning)
        warnings.filterwarnings("ignore", r"The `keras\.constraints\.serialize\(\)` API", UserWarning)
        keras_model.save(path, include_optimizer=False)
    return path


def _vectors(program: Program, events: Mapping[str, NDArray[np.integer]] | None) -> Vectors:
    ports = [InputPort(port.name, port.shape, port.format) for port in program.inputs]
    if events is None:
        words = default_stimulus(ports, n_events=_DEFAULT_VECTORS).words
    else:
        words = check_events(ports, events)
    return Vectors(words, emulate(program, words))


def _manifest(
    name: str, settings: FirmwareSettings, program: Program, rtl: RtlInfo, vectors: Vectors, study: bool, project: Path
) -> Manifest:
    ports = tuple(
        {
            "name": port.name, "direction": direction, "shape": list(port.shape), "fraction": port.format.fraction,
            **asdict(port.format),
        }
        for direction, table in (("input", program.inputs), ("output", program.outputs))
        for port in table
    )  # fmt: skip
    return Manifest(
        name=name, settings=asdict(settings), packages=package_versions(), ports=ports,
        latency_cycles=rtl.latency_cycles, ii=rtl.ii, clock_period_ns=settings.clock_period_ns,
        resources=asdict(estimate(program, rtl.stages)),
        vectors={"source": "study" if study else "default", "events": vectors.events}, files=hash_files(project),
    )  # fmt: skip


make_callable(__name__)
