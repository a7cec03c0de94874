"""What each module of the Verilog library means, in integers: the plain formula beside which an instance is put.

Operands are read as integers, signed or not; the result is the integer formula, cut to the bits of the output. Every
intermediate value has more bits than the formula can need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["MEANINGS", "Instance", "miter"]


@dataclass(frozen=True, order=True)
class Instance:
    """A module of the library with its parameters, in the order of its source."""

    module: str
    parameters: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.module} #({','.join(map(str, self.parameters))})"


@dataclass(frozen=True)
class _Meaning:
    """Inputs (name, bits, signed), output bits, bits that hold every intermediate value, and the formula."""

    inputs: tuple[tuple[str, int, int], ...]
    output_bits: int
    bits: int
    formula: str
    """Of ``x_<input>``, each ``bits`` wide and signed."""
    output: str = "out"


def miter(instance: Instance, name: str) -> str:
    """A module whose output ``bad`` is 1 where an instance and its meaning differ.

    Raises
    ------
    ValueError
        The module is unknown, or has another number of parameters.
    """
    if instance.module not in MEANINGS:
        raise ValueError(f"{instance}: this module's meaning is not known")
    try:
        meaning = MEANINGS[instance.module](*instance.parameters)
    except (TypeError, ValueError, IndexError):
        raise ValueError(f"{instance}: its parameters are not those of the module") from None
    ports = [f"    input [{bits - 1}:0] {port}," for port, bits, _ in meaning.inputs]
    wide = meaning.bits
    extended = [
        f"    wire signed [{wide - 1}:0] x_{port} = "
        + (f"{{{{{wide - bits}{{{port}[{bits - 1}]}}}}, {port}}};" if signed else f"{{{wide - bits}'d0, {port}}};")
        for port, bits, signed in meaning.inputs
    ]
    values = ",".join(map(str, instance.parameters))
    connections = ", ".join([*(f".{port}({port})" for port, _, _ in meaning.inputs), f".{meaning.output}(made)"])
    return "\n".join(
        [
            f"module {name} (", *ports, "    output bad", ");", *extended,
            f"    wire signed [{wide - 1}:0] meant = {meaning.formula};",
            f"    wire [{meaning.output_bits - 1}:0] made;",
            f"    {instance.module} #({values}) part ({connections});",
            f"    assign bad = made != meant[{meaning.output_bits - 1}:0];",
            "endmodule", "",
        ]
    )  # fmt: skip


def _shift_adder(
    width0: int, width1: int, signed0: int, signed1: int, out: int, drop: int, shift: int, subtract: int
) -> _Meaning:
    left0, left1 = max(-shift, 0), max(shift, 0)
    sign = "-" if subtract else "+"
    return _Meaning(
        (("in0", width0, signed0), ("in1", width1, signed1)), out,
        max(width0 + left0, width1 + left1, out + drop) + 3,
        f"((x_in0 <<< {left0}) {sign} (x_in1 <<< {left1})) >>> {drop}",
    )  # fmt: skip


def _ternary_adder(*parameters: int) -> _Meaning:
    *terms, out, drop = parameters
    groups = [terms[i : i + 4] for i in range(0, 12, 4)]
    inputs = tuple((f"in{i}", width, signed) for i, (width, signed, _, _) in enumerate(groups))
    parts = [f"{'-' if negate else '+'} (x_in{i} <<< {pad})" for i, (_, _, negate, pad) in enumerate(groups)]
    bits = max(*(width + pad for width, _, _, pad in groups), out + drop) + 4
    zero = f"{bits}'sd0"
    return _Meaning(inputs, out, bits, f"({zero} {' '.join(parts)}) >>> {drop}")


def _mux(width0: int, width1: int, signed0: int, signed1: int, out: int, shift: int) -> _Meaning:
    left0, left1 = max(-shift, 0), max(shift, 0)
    return _Meaning(
        (("key", 1, 0), ("in0", width0, signed0), ("in1", width1, signed1)), out,
        max(width0 + left0, width1 + left1, out) + 2,
        f"key ? (x_in0 <<< {left0}) : (x_in1 <<< {left1})",
    )  # fmt: skip


def _negative(width: int, out: int, signed: int) -> _Meaning:
    return _Meaning((("in", width, signed),), out, max(width, out) + 2, "-x_in")


def _binop(width0: int, width1: int, signed0: int, signed1: int, out: int, shift: int, kind: int) -> _Meaning:
    left0, left1 = max(-shift, 0), max(shift, 0)
    return _Meaning(
        (("in0", width0, signed0), ("in1", width1, signed1)), out,
        max(width0 + left0, width1 + left1, out) + 2,
        f"(x_in0 <<< {left0}) {('&', '|', '^')[kind]} (x_in1 <<< {left1})",
    )  # fmt: skip


def _multiplier(width0: int, width1: int, signed0: int, signed1: int, out: int) -> _Meaning:
    return _Meaning(
        (("in0", width0, signed0), ("in1", width1, signed1)), out, max(width0 + width1, out) + 2, "x_in0 * x_in1"
    )  # fmt: skip


MEANINGS: dict[str, Callable[..., _Meaning]] = {
    "shift_adder": _shift_adder,
    "ternary_adder": _ternary_adder,
    "mux": _mux,
    "negative": _negative,
    "binop": _binop,
    "multiplier": _multiplier,
}
"""Meaning of each module, by its parameters in order."""
