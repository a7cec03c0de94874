"""Where things lie in the folder of a finder's project."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firmware.adder_graph import load_program
from firmware.errors import UserError
from firmware.network.network import Network
from firmware.vertex.finder import ASSOCIATION, PATTERN, WEIGHT, VertexFinder
from firmware.vertex.programs import FinderPrograms
from firmware.vertex.serial import finder_from_json

__all__ = [
    "NETWORKS", "keep_models", "load_models", "networks", "read_finder", "read_programs", "save_programs",
]  # fmt: skip

NETWORKS = (WEIGHT, PATTERN, ASSOCIATION)


def networks(finder: VertexFinder) -> dict[str, Network]:
    """The three networks by name."""
    return {name: getattr(finder, name) for name in NETWORKS}


def read_finder(folder: Path) -> VertexFinder:
    """The description in a project.

    Raises
    ------
    UserError
        It is missing, damaged, or describes no finder.
    """
    try:
        return finder_from_json((folder / "model" / "finder.json").read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"model/finder.json must be readable, and is not ({error}); generate it again") from None


def save_programs(folder: Path, programs: FinderPrograms) -> None:
    """Write the emulator's programs."""
    (folder / "emulator").mkdir()
    for name in NETWORKS:
        getattr(programs, name).save(_program(folder, name))


def read_programs(folder: Path) -> FinderPrograms:
    """The emulator's programs in a project.

    Raises
    ------
    UserError
        One is missing or damaged.
    """
    return FinderPrograms(**{name: load_program(_program(folder, name)) for name in NETWORKS})


def keep_models(folder: Path, models: Mapping[str, Any]) -> None:
    """Save QKeras models in a project: everything that is made from them starts from these files."""
    (folder / "model").mkdir()
    with warnings.catch_warnings():
        # HDF5 gives the same bytes at every save; quantisers serialise as they should.
        warnings.filterwarnings("ignore", "You are saving your model as an HDF5 file", UserWarning)
        warnings.filterwarnings("ignore", r"The `keras\.constraints\.serialize\(\)` API", UserWarning)
        for name in NETWORKS:
            models[name].save(_model(folder, name), include_optimizer=False)


def load_models(folder: Path) -> dict[str, Any]:
    """The QKeras models in a project.

    Raises
    ------
    UserError
        One is missing, or is no model of supported layers.
    """
    from firmware.network.qkeras_io import load_model

    missing = [name for name in NETWORKS if not _model(folder, name).is_file()]
    if missing:
        raise UserError(f"project must hold model/{missing[0]}.h5, and does not; generate it again")
    return {name: load_model(_model(folder, name)) for name in NETWORKS}


def _program(folder: Path, name: str) -> Path:
    return folder / "emulator" / f"{name}.program.json.gz"


def _model(folder: Path, name: str) -> Path:
    return folder / "model" / f"{name}.h5"
