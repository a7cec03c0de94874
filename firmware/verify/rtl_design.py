"""The project's Verilog as something to simulate: its port table read, its sources found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.errors import UserError
from firmware.project import Project
from firmware.verify.simulate import Design

__all__ = ["PORTS", "RtlDesign", "RtlPort", "read_design"]

PORTS = "ports.json"


@dataclass(frozen=True)
class RtlPort:
    """A tensor of the network, and the packed port that carries it.

    Parameters
    ----------
    name : str
        In the network.
    rtl_name : str
        In the Verilog.
    shape : tuple of int
    width : int
        Bits of one element.
    signed : bool
    fraction : int
    """

    name: str
    rtl_name: str
    shape: tuple[int, ...]
    width: int
    signed: bool
    fraction: int


@dataclass(frozen=True)
class RtlDesign:
    """What to simulate, and what its ports mean."""

    design: Design
    inputs: tuple[RtlPort, ...]
    outputs: tuple[RtlPort, ...]


def read_design(project: Project) -> RtlDesign:
    """Read ``rtl/ports.json``.

    Raises
    ------
    UserError
        It cannot be read, or names a source that is not there.
    """
    path = project.rtl / PORTS
    try:
        table = json.loads(path.read_text())
        sources = tuple(_source(project.rtl, name) for name in table["sources"])
        inputs = tuple(_port(entry) for entry in table["inputs"])
        outputs = tuple(_port(entry) for entry in table["outputs"])
        design = Design(
            sources, str(table["top"]),
            inputs={entry["port"]: int(entry["width"]) for entry in table["inputs"]},
            outputs={entry["port"]: int(entry["width"]) for entry in table["outputs"]},
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"rtl/{PORTS} must be the table that 'generate' wrote, and cannot be read ({error}); "
            "generate the project again"
        ) from None
    return RtlDesign(design, inputs, outputs)


def _source(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_file() or folder.resolve() not in path.parents:
        raise UserError(f"source in rtl/{PORTS} must be a file below rtl/, not '{name}'; generate the project again")
    return path


def _port(entry: dict[str, Any]) -> RtlPort:
    return RtlPort(
        name=str(entry["name"]), rtl_name=str(entry["port"]), shape=tuple(int(n) for n in entry["shape"]),
        width=int(entry["element_width"]), signed=bool(entry["signed"]), fraction=int(entry["fraction"]),
    )  # fmt: skip
