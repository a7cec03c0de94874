"""The traced network: an adder graph with its ports."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import asdict, dataclass
from math import inf, prod
from pathlib import Path
from typing import Any

from alkaid.types import CombLogic, Op, QInterval

from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint

__all__ = ["OutputPort", "Port", "Program", "load_program"]

_SCHEMA = 1


@dataclass(frozen=True)
class Port:
    """A tensor that enters: every element one word of ``format``, in C order."""

    name: str
    shape: tuple[int, ...]
    format: FixedPoint

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class OutputPort(Port):
    """A tensor that leaves.

    Parameters
    ----------
    sources : tuple of int
        For each element the output of the graph that carries its word, or -1 for a constant.
    constants : tuple of int
        For each element its constant word; 0 where it varies.
    """

    sources: tuple[int, ...]
    constants: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """A network as one combinational adder graph over words.

    Inputs and outputs of the graph are integers (words); fractions belong to the ports. The graph is in the form
    that is emitted as Verilog: after fusion of adder pairs into ternary adders.

    Parameters
    ----------
    name : str
    comb : CombLogic
        The graph; its inputs are all elements of all input ports, in order. It may have no outputs.
    inputs, outputs : tuples of ports
    layer_of_op : tuple of str
        Name of the layer that each operation of the graph belongs to.
    """

    name: str
    comb: CombLogic
    inputs: tuple[Port, ...]
    outputs: tuple[OutputPort, ...]
    layer_of_op: tuple[str, ...]
    two_input_cost: float
    """Cost before that fusion, counted as in the published calibration (see ``counting``)."""
    stage_ns: float = inf
    """What ``trace_network`` was given: ternary adders slower than this are pairs."""

    @property
    def cost(self) -> float:
        """Adder-graph cost in LUTs as alkaid 0.8.2 counts them, after ternary fusion."""
        return float(self.comb.cost)

    def save(self, path: Path) -> None:
        """Write as gzipped JSON, whole or not at all; the same program gives the same bytes."""
        data = {
            "schema": _SCHEMA,
            "name": self.name,
            "comb": comb_to_json(self.comb),
            "inputs": [asdict(port) for port in self.inputs],
            "outputs": [asdict(port) for port in self.outputs],
            "layer_of_op": _names_to_json(self.layer_of_op),
            "two_input_cost": self.two_input_cost,
            "stage_ns": None if self.stage_ns == inf else self.stage_ns,
        }
        write_gzip(path, data)


def load_program(path: Path) -> Program:
    """Read a program written by ``Program.save``.

    Raises
    ------
    UserError
        The file is no such program, or of another schema.
    """
    data = read_gzip(path)
    if not isinstance(data, dict) or data.get("schema") != _SCHEMA:
        raise UserError(f"program file '{path.name}' must have schema {_SCHEMA}; generate the project again")
    try:
        return Program(
            name=data["name"],
            comb=comb_from_json(data["comb"]),
            inputs=tuple(Port(**_port_fields(port)) for port in data["inputs"]),
            outputs=tuple(OutputPort(**_port_fields(port)) for port in data["outputs"]),
            layer_of_op=_names_from_json(data["layer_of_op"]),
            two_input_cost=float(data["two_input_cost"]),
            stage_ns=inf if data["stage_ns"] is None else float(data["stage_ns"]),
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise UserError(f"program file '{path.name}' must be whole, not broken ({error}); generate it again") from None


def write_gzip(path: Path, data: Any) -> None:
    """JSON, gzipped without name or time, written aside and renamed."""
    content = gzip.compress(json.dumps(data, separators=(",", ":")).encode(), compresslevel=6, mtime=0)
    aside = path.with_name(f".{path.name}.aside")
    aside.write_bytes(content)
    os.replace(aside, path)


def read_gzip(path: Path) -> Any:
    """What ``write_gzip`` wrote.

    Raises
    ------
    UserError
        The file is no gzipped JSON.
    """
    try:
        return json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"file '{path.name}' must be gzipped JSON ({error}); generate the project again") from None


def comb_to_json(comb: CombLogic) -> dict[str, Any]:
    """A graph as plain lists."""
    return {
        "shape": list(comb.shape),
        "out_idxs": [int(i) for i in comb.out_idxs],
        "out_shifts": [int(s) for s in comb.out_shifts],
        "ops": [
            [list(op.addr), int(op.opcode), [int(v) for v in op.data], list(op.qint), float(op.latency), float(op.cost)]
            for op in comb.ops
        ],
        "carry_size": comb.carry_size,
        "adder_size": comb.adder_size,
    }


def comb_from_json(data: dict[str, Any]) -> CombLogic:
    """A graph from ``comb_to_json``."""
    n_in, n_out = data["shape"]
    ops = [
        Op(tuple(addr), opcode, tuple(payload), QInterval(*qint), latency, cost)
        for addr, opcode, payload, qint, latency, cost in data["ops"]
    ]
    return CombLogic(
        (n_in, n_out), [0] * n_in, data["out_idxs"], data["out_shifts"], [False] * n_out, ops,
        data["carry_size"], data["adder_size"],
    )  # fmt: skip


def _names_to_json(names: tuple[str, ...]) -> dict[str, Any]:
    distinct = sorted(set(names))
    places = {name: place for place, name in enumerate(distinct)}
    return {"names": distinct, "of": [places[name] for name in names]}


def _names_from_json(data: dict[str, Any]) -> tuple[str, ...]:
    return tuple(data["names"][place] for place in data["of"])


def _port_fields(port: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {**port, "shape": tuple(port["shape"]), "format": FixedPoint(**port["format"])}
    return fields | {key: tuple(fields[key]) for key in ("sources", "constants") if key in fields}
