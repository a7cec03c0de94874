"""The proof refuses what is wrong: other roundings, alkaid's own quantiser, weights, ports, changed operations."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from alkaid.trace import FVArrayInput, HWConfig, trace
from alkaid.trace.ops import quantize
from alkaid.trace.ops import relu as alkaid_relu

from firmware.adder_graph import OutputPort, Port, Program, emulate, rounding, trace_network
from firmware.errors import UserError
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense, Input, Quantise, Relu
from firmware.network.network import Network
from firmware.network.random_networks import random_network, random_words
from firmware.network.reference import evaluate
from firmware.proof import prove
from firmware.proof.planted import KINDS, planted_changes


def small_network(seed):
    """Two dense layers on a few integer inputs; formats that round and saturate."""
    rng = np.random.default_rng(seed)
    weight, bias = FixedPoint(5, 1, True), FixedPoint(6, 1, True)
    n, m = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    first = Relu(name="a", source="d", format=FixedPoint(4, 2, False))
    if seed % 2:
        first = Quantise(name="a", source="d", format=FixedPoint(4, 2, True))
    layers = (
        Input(name="x", shape=(n,), format=FixedPoint(4, 3, True)),
        Dense(name="d", source="x", units=m, kernel_format=weight, bias_format=bias, bias=rng.integers(-32, 32, m),
              kernel=rng.integers(-16, 16, (n, m)) * (rng.random((n, m)) < 0.6)),
        first,
        Dense(name="e", source="a", units=2, kernel_format=weight, bias_format=bias, bias=rng.integers(-32, 32, 2),
              kernel=rng.integers(-16, 16, (m, 2))),
        Quantise(name="q", source="e", format=FixedPoint(5, 2, True)),
    )  # fmt: skip
    return Network("small", layers, ("q",))


def all_words(network):
    (layer,) = network.inputs
    values = range(layer.format.lowest, layer.format.highest + 1)
    return {layer.name: np.array(list(itertools.product(values, repeat=layer.shape[0])))}


def traced_by_alkaid(network):
    """The network as alkaid itself traces it, with its own round-half-to-even quantiser."""
    (entry,) = network.inputs
    symbols = FVArrayInput(entry.shape, hwconf=HWConfig(1, 1, -1))
    value = quantize(symbols, *(int(part) for part in entry.format.kif))
    for layer in network.layers[1:]:
        if isinstance(layer, Dense):
            value = value @ (layer.kernel * 2.0**-layer.kernel_format.fraction)
            value = value + layer.bias * 2.0**-layer.bias_format.fraction
        else:
            value = alkaid_relu(value) if isinstance(layer, Relu) else value
            value = quantize(value, *(int(part) for part in layer.format.kif), "SAT", "RND_CONV")
    comb = trace(symbols, value)
    (output,) = network.outputs
    fmt = network.layer(output).format
    comb = comb._replace(out_shifts=[int(shift) + fmt.fraction for shift in comb.out_shifts])
    port = OutputPort(output, network.shapes[output], fmt, tuple(range(comb.shape[1])), (0,) * comb.shape[1])
    return Program("small", comb, (Port(entry.name, entry.shape, entry.format),), (port,), ("?",) * len(comb.ops), 0.0)


def test_alkaid_own_quantiser_is_refused_exactly_where_it_errs():
    """Another tracer's programs, checked over all inputs: right ones are proven, wrong ones refuted."""
    verdicts = {True: 0, False: 0}
    for seed in range(40):
        network = small_network(seed)
        program, words = traced_by_alkaid(network), all_words(network)
        right = np.array_equal(emulate(program, words)["q"], evaluate(network, words)["q"].words)
        proof = prove(program, network)
        assert proof.proven == right
        assert proof.refuted != right
        verdicts[right] += 1
    assert min(verdicts.values()) >= 4


def half_up(graph, value, shift):
    return graph.bits(value, shift, shift + 1)


def always_even(graph, value, shift):
    return graph.both(graph.bits(value, shift, shift + 1), graph.any(graph.bits(value, shift - 1, shift)))


@pytest.mark.parametrize("last_bit", [half_up, always_even])
def test_another_rounding_is_refused(monkeypatch, last_bit):
    networks = [small_network(seed) for seed in range(8)]
    monkeypatch.setattr(rounding, "_last_bit", last_bit)
    wrong = 0
    for network in networks:
        program, words = trace_network(network, fast=True), all_words(network)
        right = np.array_equal(emulate(program, words)["q"], evaluate(network, words)["q"].words)
        assert prove(program, network).proven == right
        wrong += not right
    assert wrong >= 4


def test_a_wide_rounding_is_refused_in_pieces(monkeypatch):
    network = random_network(7, "mlp", min_bits=12, max_bits=16)
    monkeypatch.setattr(rounding, "_last_bit", half_up)
    proof = prove(trace_network(network, fast=True), network, point_limit=1)
    assert not proof.proven


def test_wrap_for_saturation_is_refused(monkeypatch):
    monkeypatch.setattr(
        rounding, "_saturated", lambda rounded, target: rounded.magnitude(target.width - int(target.signed))
    )
    network = small_network(2)
    assert prove(trace_network(network, fast=True), network).refuted


def changed(network, name, **changes):
    layers = tuple(replace(layer, **changes) if layer.name == name else layer for layer in network.layers)
    return replace(network, layers=layers)


def live_network():
    """Two dense layers of which every weight counts."""
    weight = FixedPoint(5, 1, True)
    layers = (
        Input(name="x", shape=(3,), format=FixedPoint(4, 3, True)),
        Dense(name="d", source="x", units=2, kernel_format=weight, bias_format=weight, bias=np.array([3, -2]),
              kernel=np.array([[3, -5], [7, 2], [-4, 6]])),
        Relu(name="a", source="d", format=FixedPoint(4, 2, False)),
        Dense(name="e", source="a", units=1, kernel_format=weight, bias_format=weight, bias=np.array([1]),
              kernel=np.array([[5], [-3]])),
        Quantise(name="q", source="e", format=FixedPoint(5, 2, True)),
    )  # fmt: skip
    return Network("live", layers, ("q",))


def test_the_first_layer_is_named():
    """A weight is told from the quantiser behind it; a bias is not: both only move that quantiser's steps."""
    network = live_network()
    for name, other in (
        ("d", changed(network, "d", kernel=network.layer("d").kernel + np.array([[1, 0], [0, 0], [0, 0]]))),
        ("a", changed(network, "d", bias=network.layer("d").bias + 1)),
        ("a", changed(network, "a", format=FixedPoint(5, 2, False))),
        ("a", changed(network, "a", format=FixedPoint(4, 1, False))),
        ("e", changed(network, "e", kernel=network.layer("e").kernel[::-1])),
        ("q", changed(network, "e", bias=network.layer("e").bias + 1)),
    ):
        proof = prove(trace_network(other, fast=True), network)
        assert proof.refuted
        assert proof.first_layer == name


def test_ports_are_compared():
    network = small_network(4)
    program = trace_network(network)
    (port,), (entry,) = program.outputs, program.inputs
    swapped = replace(port, sources=port.sources[::-1], constants=port.constants[::-1])
    narrow = replace(port, format=FixedPoint(port.format.width - 1, port.format.integer - 1, True))
    coarse = replace(port, format=FixedPoint(port.format.width - 1, port.format.integer, True))
    halved = program.comb._replace(out_shifts=[shift - 1 for shift in program.comb.out_shifts])
    wide = replace(entry, format=FixedPoint(entry.format.width + 1, entry.format.integer + 1, True))
    for other in (
        replace(program, outputs=(swapped,)),
        replace(program, outputs=(narrow,)),
        replace(program, outputs=(coarse,), comb=halved),
        replace(program, inputs=(wide,)),
        replace(program, outputs=()),
        replace(program, outputs=(replace(port, name="d"),)),
    ):
        assert prove(program, network).proven
        assert prove(other, network).refuted


LIVE = (("conv1d", 105), ("conv1d", 108), ("residual", 107))
"""Random networks of which much is alive, with max pooling, multiplexers and constant outputs among them."""


def test_planted_changes_are_refused_or_equivalent():
    """No change is accepted whose words differ anywhere that is looked at; nearly every kind is met and refused."""
    kinds, refused, accepted = set(), set(), 0
    drawn = [random_network(seed, kind, max_units=6, max_bits=7, min_bits=2) for kind, seed in LIVE]
    for number, network in enumerate((small_network(1), *drawn)):
        program, words = trace_network(network, fast=True), random_words(network, 1500, 5)
        expected = evaluate(network, words)
        for change in planted_changes(program, per_kind=2, seed=number):
            kinds.add(change.kind)
            if not prove(change.program, network).proven:
                refused.add(change.kind)
                continue
            accepted += 1
            found = emulate(change.program, words, threads=1)
            for name in network.outputs:
                np.testing.assert_array_equal(
                    found[name], expected[name].words, err_msg=f"{change.kind}: {change.where}"
                )
    assert kinds >= set(KINDS) - {"output's constant"}
    assert refused >= kinds - {"interval: a bit more", "interval: a step less"}
    assert accepted > 0


def test_what_is_too_large_is_open_and_not_wrong():
    """A quantiser of more steps than can be looked at: not proven, not refuted, and the layer is named."""
    fmt = FixedPoint(30, 3, True)
    layers = (
        Input(name="x", shape=(2,), format=FixedPoint(20, 3, True)),
        Dense(name="d", source="x", units=1, kernel_format=FixedPoint(14, 0, True), kernel=np.array([[4097], [-4095]])),
        Quantise(name="wide", source="d", format=replace(fmt, width=26)),
    )
    network = Network("large", layers, ("wide",))
    proof = prove(trace_network(network), network)
    assert not proof.proven
    assert not proof.refuted
    assert {finding.kind for finding in proof.unproven} == {"too_large"}
    assert proof.unproven[-1].layer == "wide"
    assert "sampled" in str(proof)


def test_an_unknown_operation_is_open():
    network = small_network(1)
    program = trace_network(network)
    ops = list(program.comb.ops)
    place = next(i for i, op in enumerate(ops) if op.opcode in (0, 1))
    ops[place] = ops[place]._replace(opcode=7, data=())
    proof = prove(replace(program, comb=program.comb._replace(ops=ops)), network)
    assert not proof.proven
    assert proof.unproven[0].kind == "unsupported"
    assert proof.unproven[0].node == place
    assert proof.to_json()["unproven"][0]["node"] == place


def test_an_untrained_network_is_refused():
    network = small_network(1)
    program = trace_network(network)
    with pytest.raises(UserError, match="must have its weights"):
        prove(program, changed(network, "d", kernel=None, bias=None))


def test_pieces_that_do_not_decide_are_looked_at_point_by_point(monkeypatch):
    """A quantiser whose bits the pieces of the network's own do not fit: by points it is right, and is proven."""
    network = live_network()
    program = trace_network(network, fast=True)
    monkeypatch.setattr("firmware.proof.network_forms.crossings", lambda group, f, thresholds: thresholds[:0])
    assert prove(program, network, point_limit=1).proven
    left_open = prove(program, network, point_limit=1, retry_limit=1)
    assert not left_open.proven
    assert not left_open.refuted
    assert {finding.kind for finding in left_open.unproven} == {"too_large"}
