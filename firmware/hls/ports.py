"""What the outside must know of a project: its top function's ports and its layers, as a file beside the sources."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Shape

__all__ = ["INTERFACE", "Interface", "Port", "TracedLayer", "read_interface", "write_interface"]

INTERFACE = "interface.json"
_SCHEMA = 1


@dataclass(frozen=True)
class Port:
    """A tensor at the boundary: its name in the network, its argument of the top function, its words' format."""

    name: str
    argument: str
    shape: Shape
    format: FixedPoint


@dataclass(frozen=True)
class TracedLayer:
    """A layer whose values C-simulation can show: its name in the network and in the sources."""

    name: str
    traced_as: str
    shape: Shape


@dataclass(frozen=True)
class Interface:
    """Ports of the top function, in argument order, and the layers in order."""

    top: str
    io_type: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    """In the network's order; several may share an argument (a tensor and its reshape)."""
    arguments: tuple[str, ...]
    """Output arguments, in the top function's order."""
    layers: tuple[TracedLayer, ...]


def write_interface(folder: Path, interface: Interface) -> None:
    """Write ``interface.json``."""
    text = json.dumps({"schema": _SCHEMA, **asdict(interface)}, indent=1)
    (folder / INTERFACE).write_text(text + "\n")


def read_interface(folder: Path) -> Interface:
    """Read ``interface.json``.

    Raises
    ------
    UserError
        The file is missing or is not of this kind.
    """
    path = folder / INTERFACE
    try:
        data = json.loads(path.read_text())
        if data["schema"] != _SCHEMA:
            raise ValueError(f"schema {data['schema']}")
        return Interface(
            top=data["top"],
            io_type=data["io_type"],
            inputs=tuple(_port(entry) for entry in data["inputs"]),
            outputs=tuple(_port(entry) for entry in data["outputs"]),
            arguments=tuple(data["arguments"]),
            layers=tuple(TracedLayer(e["name"], e["traced_as"], tuple(e["shape"])) for e in data["layers"]),
        )
    except FileNotFoundError:
        raise UserError(f"folder '{folder.name}' must hold {INTERFACE}; write the project again") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{INTERFACE} in '{folder.name}' must be of schema {_SCHEMA}: {error}; write the project again"
        ) from None


def _port(entry: dict[str, Any]) -> Port:
    return Port(entry["name"], entry["argument"], tuple(entry["shape"]), FixedPoint(**entry["format"]))
