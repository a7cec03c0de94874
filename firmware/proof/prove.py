"""The proof: what an adder graph's program computes is the quantised network, for every input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from firmware.adder_graph import OutputPort, Program
from firmware.errors import UserError
from firmware.network.layers import Quantise, Relu
from firmware.network.network import Network
from firmware.proof.atoms import Form, Key
from firmware.proof.network_forms import Coverage, FormTensor, network_forms
from firmware.proof.program_forms import Finding, ProgramForms, program_forms
from firmware.proof.space import Space

__all__ = ["Proof", "prove"]

POINT_LIMIT = 1 << 16
"""Ranges up to this many integers are looked at point by point, wider ones piece by piece."""

RETRY_LIMIT = 1 << 22
"""Ranges up to this many integers are looked at point by point where pieces did not decide."""

_RETRY_RANGES = 16
"""As many ranges of that size at once."""


@dataclass(frozen=True)
class Proof:
    """What was shown about a program.

    Parameters
    ----------
    proven : bool
        Every output word equals the network's for every input within the input formats, and no operation's value ever
        leaves its declared interval.
    nodes : int
        Operations of the program's graph, all executed.
    outputs : int
        Output words.
    functions_exhausted : int
        Distinct quantisers (format, range and unit of what enters) looked at on every integer of their range.
    functions_in_pieces : int
        Distinct quantisers over wider ranges: every integer too, but in pieces on which both sides are constant or
        affine.
    points : int
        Integers in all those ranges.
    widest_bits : int
        Width of the widest range.
    unproven : tuple of Finding
        In the order in which the program computes; empty if proven.
    first_layer : str or None
        Of a program that is not proven: the first layer of the network whose values the program does not have.
    """

    proven: bool
    nodes: int
    outputs: int
    functions_exhausted: int
    functions_in_pieces: int
    points: int
    widest_bits: int
    unproven: tuple[Finding, ...] = field(default=())
    first_layer: str | None = None

    @property
    def refuted(self) -> bool:
        """Whether something was found wrong, and not only left open."""
        return any(finding.refutes for finding in self.unproven)

    def to_json(self) -> dict[str, Any]:
        """Plain types, as in ``verify.json``."""
        return {
            "proven": self.proven, "refuted": self.refuted, "nodes": self.nodes, "outputs": self.outputs,
            "functions_exhausted": self.functions_exhausted, "functions_in_pieces": self.functions_in_pieces,
            "points": self.points, "widest_bits": self.widest_bits, "first_layer": self.first_layer,
            "unproven": [
                {"kind": f.kind, "layer": f.layer, "node": f.node, "message": f.message} for f in self.unproven
            ],
        }  # fmt: skip

    def __str__(self) -> str:
        functions = self.functions_exhausted + self.functions_in_pieces
        if self.proven:
            return (
                f"proven for all inputs: {self.outputs} output words, {self.nodes} operations within their intervals, "
                f"{functions} distinct quantisers over every value (up to {self.widest_bits} bits wide)"
            )
        verdict = "REFUTED" if self.refuted else "not proven for all inputs (sampled only)"
        more = f" and {len(self.unproven) - 1} more" if len(self.unproven) > 1 else ""
        return f"{verdict}: {self.unproven[0]}{more}"


def prove(
    program: Program, network: Network, *, point_limit: int = POINT_LIMIT, retry_limit: int = RETRY_LIMIT
) -> Proof:
    """Show that a program computes a network for every input, or say what could not be shown and why.

    Both are executed on exact forms (see ``firmware.proof.space``); two values are equal if their forms are. Nothing of
    the tracer is used. What a form's range includes beyond what inputs can reach makes the claim stronger, never wrong.

    Parameters
    ----------
    program : Program
        Of ``trace_network(network)``, edited or not; its outputs may be any of the network's layers.
    network : Network
        Trained.
    point_limit : int
        Ranges of a quantiser's argument up to this many integers are looked at point by point, wider ones in pieces.
    retry_limit : int
        Where pieces do not decide, ranges up to this many integers are looked at point by point after all.

    Returns
    -------
    Proof

    Raises
    ------
    UserError
        The network has no weights.
    """
    if not network.is_trained:
        raise UserError(f"network '{network.name}' must have its weights to be proven; train it first")
    ports = _port_findings(program, network)
    if ports:
        return _proof(program, Coverage(), ports, None)
    forced: dict[Key, int] = {}
    while True:
        proof, wide = _attempt(program, network, point_limit, tuple(forced))
        forced |= wide
        if proof.proven or proof.refuted or not wide:
            return proof
        if max(forced.values()) > retry_limit or sum(forced.values()) > _RETRY_RANGES * retry_limit:
            return proof


def _attempt(
    program: Program, network: Network, point_limit: int, forced: tuple[Key, ...]
) -> tuple[Proof, dict[Key, int]]:
    """A proof, and the ranges that were looked at in pieces, with their numbers of integers."""
    space, coverage = Space(point_limit, forced), Coverage()
    tensors = network_forms(space, network, coverage)
    space.frozen = True
    words = [
        form
        for layer in network.inputs
        for form in (space.combine([(f, 1, layer.format.fraction)]) for f in tensors[layer.name].flat)
    ]
    found = program_forms(space, program, words)
    differing = [
        finding for port in program.outputs for finding in _output_findings(space, port, tensors[port.name], found)
    ]
    if differing and coverage.not_looked_at:
        # What follows from a value that was not looked at is open, not wrong.
        differing = [Finding("too_large", layer, None, reason) for layer, reason in coverage.not_looked_at]
    findings = (*found.findings, *differing)
    first = (_first_layer(space, network, tensors, found) or findings[0].layer) if findings else None
    wide = {group.key: group.points for group in space.groups if not group.pointwise}
    return _proof(program, coverage, findings, first), wide


def _proof(program: Program, coverage: Coverage, findings: tuple[Finding, ...], first: str | None) -> Proof:
    return Proof(
        proven=not findings, nodes=len(program.comb.ops), outputs=sum(port.size for port in program.outputs),
        functions_exhausted=len(coverage.by_points), functions_in_pieces=len(coverage.by_pieces),
        points=coverage.points, widest_bits=coverage.widest_bits, unproven=findings, first_layer=first,
    )  # fmt: skip


def _port_findings(program: Program, network: Network) -> tuple[Finding, ...]:
    """Ports that are not the network's."""
    wanted = [(layer.name, layer.shape, layer.format) for layer in network.inputs]
    given = [(port.name, port.shape, port.format) for port in program.inputs]
    if wanted != given:
        return (Finding("malformed", program.name, None, f"inputs are {given}, the network's are {wanted}"),)
    if program.comb.shape[0] != sum(port.size for port in program.inputs):
        return (Finding("malformed", program.name, None, "the graph has another number of inputs than its ports"),)
    names = [port.name for port in program.outputs]
    lost = [name for name in network.outputs if name not in names]
    unknown = [name for name in names if name not in network.shapes]
    if lost or unknown:
        return (Finding("malformed", program.name, None, f"outputs are {names}, the network's {network.outputs}"),)
    if len(program.layer_of_op) != len(program.comb.ops):
        return (Finding("malformed", program.name, None, "some operations have no layer"),)
    for port in program.outputs:
        sizes = {len(port.sources), len(port.constants), port.size}
        if port.shape != network.shapes[port.name] or len(sizes) != 1:
            return (Finding("malformed", port.name, None, f"shape {port.shape} is not {network.shapes[port.name]}"),)
        if any(not -1 <= source < len(program.comb.out_idxs) for source in port.sources):
            return (Finding("malformed", port.name, None, "an element comes from no output of the graph"),)
    return ()


def _output_findings(space: Space, port: OutputPort, tensor: FormTensor, found: ProgramForms) -> list[Finding]:
    """Elements of an output whose words are not the network's, or do not fit the port."""
    findings = []
    for element, (source, constant, wanted) in enumerate(zip(port.sources, port.constants, tensor.flat, strict=True)):
        got = found.outputs[source] if source >= 0 else space.constant(constant)
        words = space.combine([(wanted, 1, port.format.fraction)])
        if got is None:
            if not found.findings:
                findings.append(Finding("malformed", port.name, None, f"element {element} has no value"))
            # otherwise the operation that has no form is named already
        elif not space.equal(got, words):
            message = f"output '{port.name}', element {element}, is not the network's"
            findings.append(Finding("differs", port.name, None, message))
        elif not space.multiple_of(words, 0) or not _fits(words, port):
            message = f"output '{port.name}', element {element}, does not fit its port"
            findings.append(Finding("leaves_interval", port.name, None, message))
    return findings


def _fits(words: Form, port: OutputPort) -> bool:
    scale = words.exponent
    low, high = port.format.lowest, port.format.highest
    if scale >= 0:
        return words.low << scale >= low and words.high << scale <= high
    return words.low >= low << -scale and words.high <= high << -scale


def _first_layer(space: Space, network: Network, tensors: Mapping[str, FormTensor], found: ProgramForms) -> str | None:
    """First layer whose values the program does not have.

    A quantiser's function of a sum that no value of the program depends on points at the layer of the sum.
    """
    groups = {space.atoms[atom].slot for atom in found.seen if space.atoms[atom].slot >= 0}
    for layer in network.layers:
        if not isinstance(layer, Quantise | Relu):
            continue
        atoms = {
            (slot, atom) for form in tensors[layer.name].flat for slot, (atom, _) in form.terms.items() if slot >= 0
        }
        missing = {(slot, atom) for slot, atom in atoms if atom not in found.seen}
        if missing:
            return layer.source if any(slot not in groups for slot, _ in missing) else layer.name
    return None
