"""The HLS project of a finder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.errors import UserError
from firmware.hls.convert import HlsInfo
from firmware.project.atomic import whole_folder
from firmware.settings import FirmwareSettings
from firmware.vertex.finder import ASSOCIATION, PATTERN, WEIGHT, VertexFinder
from firmware.vertex.hls.headers import networks_header, parameters_header, tables_header
from firmware.vertex.hls.networks import ConvertedNetwork, convert_networks
from firmware.vertex.hls.readme import README
from firmware.vertex.hls.render import filled, rendered

__all__ = ["DESCRIPTION", "SCHEMA", "FinderHls", "write_finder_hls"]

DESCRIPTION = "finder.json"
SCHEMA = 1
_FIXED = (
    "associate.cpp", "convolve.cpp", "fill_histogram.cpp", "find_peak.cpp", "finder_stages.h", "finder_types.h",
    "finder_words.h",
)  # fmt: skip
_RESERVED = frozenset({
    "main", "std", "nnet", "hls", "ap_int", "ap_uint", "ap_fixed", "ap_ufixed", "finder_networks", "finder_parameters",
    "finder_tables", *(Path(file).stem for file in _FIXED),
})  # fmt: skip
_CLOCK_UNCERTAINTY = "27%"
_STEPS = ("reset", "csim", "synth", "cosim", "export")


@dataclass(frozen=True)
class FinderHls:
    """What was written.

    Parameters
    ----------
    top : str
        Name of the top function.
    strategy : str
        hls4ml's strategy of the networks.
    networks : mapping of network name to HlsInfo
    sources : tuple of str
        C++ sources to synthesise, from the project's folder.
    """

    top: str
    strategy: str
    networks: Mapping[str, HlsInfo]
    sources: tuple[str, ...]


def write_finder_hls(
    finder: VertexFinder, models: Mapping[str, Any], out_dir: Path | str, settings: FirmwareSettings, *,
    name: str = "vertex_finder",
) -> FinderHls:  # fmt: skip
    """Write a complete Vitis HLS project: sources, test bench, build script.

    The folder holds no date, host or absolute path: the same call gives the same bytes.

    Parameters
    ----------
    finder : VertexFinder
    models : dict of network name (weight, pattern, association) to tf_keras.Model
        The QKeras models of the finder's networks.
    out_dir : path
        Folder to write; it must not exist, or be empty.
    settings : FirmwareSettings
        ``io_parallel`` and reuse factor 1: a track enters every lane in every clock.
    name : str
        Name of the top function: a C++ identifier.

    Returns
    -------
    FinderHls

    Raises
    ------
    UserError
        The settings do not fit, a model is missing, the name is no identifier, the folder is full, or hls4ml cannot
        compute a layer exactly.
    """
    out_dir = Path(out_dir)
    _check_request(models, settings, name, out_dir)
    described = {WEIGHT: finder.weight, PATTERN: finder.pattern, ASSOCIATION: finder.association}
    with whole_folder(out_dir) as folder:
        firmware = folder / "firmware"
        firmware.mkdir()
        pairs = {key: (models[key], network) for key, network in described.items()}
        networks = convert_networks(pairs, firmware, settings, name)
        for file in _FIXED:
            (firmware / file).write_text(rendered(file, top=name))
        (firmware / f"{name}.h").write_text(rendered("top.h", top=name))
        (firmware / f"{name}.cpp").write_text(rendered("top.cpp", top=name))
        (firmware / "finder_parameters.h").write_text(parameters_header(finder, name))
        (firmware / "finder_tables.h").write_text(tables_header(finder, name))
        (firmware / "finder_networks.h").write_text(networks_header(finder, networks, name))
        sources = _sources(name, networks)
        (folder / "finder_driver.h").write_text(rendered("finder_driver.h", top=name))
        (folder / f"{name}_test.cpp").write_text(rendered("test_bench.cpp", top=name))
        (folder / "tb_data").mkdir()
        _write_scripts(folder, name, settings, sources)
        text = json.dumps({"schema": SCHEMA, "top": name, "finder": finder.name, "sources": sources}, indent=1)
        (folder / DESCRIPTION).write_text(text + "\n")
    infos = {key: network.info for key, network in networks.items()}
    return FinderHls(name, settings.strategy, infos, tuple(f"firmware/{source}" for source in sources))


def _check_request(models: Mapping[str, Any], settings: FirmwareSettings, name: str, out_dir: Path) -> None:
    wanted = (WEIGHT, PATTERN, ASSOCIATION)
    if set(models) != set(wanted):
        raise UserError(f"models of a finder must be {', '.join(wanted)}, not {', '.join(models) or 'none'}")
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        raise UserError(f"name of the top function must be a C++ identifier, not '{name}'; use letters, digits and _")
    if name.lower() in _RESERVED:
        raise UserError(f"name of the top function must not be '{name}', which the sources use; choose another")
    if out_dir.exists() and (not out_dir.is_dir() or any(out_dir.iterdir())):
        raise UserError(f"folder '{out_dir}' must be new or empty; remove it or choose another")
    if settings.io_type != "io_parallel":
        raise UserError(
            f"io_type of a finder must be io_parallel (its networks see whole arrays), not {settings.io_type}"
        )
    if settings.reuse_factor != 1:
        raise UserError(
            f"reuse_factor of a finder must be 1 (every lane takes a track in every clock), not {settings.reuse_factor}"
        )


def _sources(name: str, networks: Mapping[str, ConvertedNetwork]) -> list[str]:
    own = [f"{name}.cpp", *(file for file in _FIXED if file.endswith(".cpp"))]
    return own + [network.source for network in networks.values()]


def _write_scripts(folder: Path, name: str, settings: FirmwareSettings, sources: list[str]) -> None:
    (folder / "build_prj.tcl").write_text(rendered("build_prj.tcl", top=name))
    steps = "".join(f"    {step:<10} {int(step in ('reset', 'csim', 'synth'))}\n" for step in _STEPS)
    (folder / "build_opt.tcl").write_text(f"array set opt {{\n{steps}}}\n")
    variables = {
        "project_name": f'"{name}"',
        "backend": f'"{settings.backend.lower()}"',
        "part": f'"{settings.part}"',
        "clock_period": f"{settings.clock_period_ns:g}",
        "clock_uncertainty": _CLOCK_UNCERTAINTY,
        "version": '"1.0.0"',
        "sources": f"{{{' '.join(sources)}}}",
    }
    (folder / "project.tcl").write_text("".join(f"set {key} {value}\n" for key, value in variables.items()))
    (folder / "README.md").write_text(filled(README, top=name))
