"""The proof accepts what is right: random networks of every kind, by points and in pieces; and its forms are true."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from firmware.adder_graph import trace_network
from firmware.adder_graph.pairs import as_pairs
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Dense, Input, MaxPooling1D, Quantise, Relu
from firmware.network.network import Network
from firmware.network.random_networks import TOPOLOGIES, random_network, random_words
from firmware.network.reference import evaluate
from firmware.proof import prove
from firmware.proof.network_forms import Coverage, network_forms
from firmware.proof.space import Space


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
@pytest.mark.parametrize("seed", range(4))
def test_random_networks_are_proven(topology, seed):
    network = random_network(3000 + seed, topology, max_bits=16 if seed % 2 else 7)
    program = trace_network(network, fast=seed != 1, every_layer=seed == 2)
    proof = prove(program, network)
    assert proof.proven, str(proof)
    assert not proof.unproven
    assert proof.nodes == len(program.comb.ops)


@pytest.mark.parametrize("seed", range(10))
def test_few_bits_and_negative_integers(seed):
    network = random_network(4000 + seed, max_bits=4, negative_integer=True)
    assert prove(trace_network(network), network).proven


@pytest.mark.parametrize("seed", range(8))
def test_pieces_prove_what_points_prove(seed):
    network = random_network(5000 + seed, max_bits=8)
    program = trace_network(network, fast=True)
    points, pieces = prove(program, network), prove(program, network, point_limit=1)
    assert points.proven
    assert pieces.proven, str(pieces)
    assert pieces.functions_exhausted == 0


def dense_network(widths, bits, seed):
    """A network of dense layers with half of the weights zero."""
    rng = np.random.default_rng(seed)
    weight = FixedPoint(bits, 0, True)
    layers = [Input(name="x", shape=(widths[0],), format=FixedPoint(bits, 0, False))]
    for number, (n_in, n_out) in enumerate(itertools.pairwise(widths), start=1):
        kernel = rng.integers(weight.lowest, weight.highest, (n_in, n_out), endpoint=True)
        kernel[rng.random((n_in, n_out)) < 0.5] = 0
        layers.append(
            Dense(name=f"dense_{number}", source=layers[-1].name, units=n_out, kernel_format=weight,
                  bias_format=weight, kernel=kernel, bias=rng.integers(weight.lowest, weight.highest, n_out))
        )  # fmt: skip
        if number < len(widths) - 1:
            layers.append(Relu(name=f"relu_{number}", source=layers[-1].name, format=FixedPoint(bits, 2, False)))
    return Network("reference", tuple(layers), (layers[-1].name,))


def test_the_reference_network_whole():
    network = dense_network((16, 64, 32, 32, 5), 6, 0)
    proof = prove(trace_network(network, fast=True), network)
    assert proof.proven
    assert proof.outputs == 5
    assert proof.functions_exhausted == 128
    assert proof.points > 128 * 1000


def test_a_wide_sum_is_proven_in_pieces():
    network = dense_network((4, 6, 2), 16, 1)
    proof = prove(trace_network(network, fast=True), network)
    assert proof.proven
    assert proof.functions_in_pieces >= 3
    assert proof.widest_bits > 30


def value(space, form, atoms):
    """A form's integer for the values of the atoms that are input words; the rest is worked out."""
    return form.constant + sum(c * atom_value(space, atom, atoms) for atom, c in form.terms.values())


def atom_value(space, atom, atoms):
    if atom not in atoms:
        place = space.atoms[atom]
        if place.largest_of:
            atoms[atom] = max(value(space, form, atoms) for form in place.largest_of)
        else:
            group = space.groups[place.slot]
            m = sum(c * atom_value(space, inner, atoms) for _, inner, c in group.key)
            assert group.low <= m <= group.high
            piece = np.searchsorted(group.starts, m, side="right") - 1
            slope = 0 if group.pointwise else int(group.slopes(place.function)[piece])
            atoms[atom] = int(place.function.first[piece]) + slope * (m - int(group.starts[piece]))
        assert place.low <= atoms[atom] <= place.high
    return atoms[atom]


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
@pytest.mark.parametrize("point_limit", [1, 1 << 16])
def test_forms_say_what_the_reference_computes(topology, point_limit):
    """At random and extreme inputs every layer's forms give the reference's words: the proof's own side is right."""
    network = random_network(6001, topology, max_bits=8)
    space = Space(point_limit)
    tensors = network_forms(space, network, Coverage())
    words = random_words(network, 12, 3)
    expected = evaluate(network, words)
    inputs = np.concatenate([words[layer.name].reshape(12, -1) for layer in network.inputs], axis=1)
    for event in range(12):
        atoms = dict(enumerate(int(word) for word in inputs[event]))
        for layer in network.layers:
            tensor = tensors[layer.name]
            assert tensor.fraction == expected[layer.name].fraction
            got = [value(space, form, atoms) for form in tensor.flat]
            assert {form.exponent for form in tensor.flat} == {-tensor.fraction}
            np.testing.assert_array_equal(got, expected[layer.name].words[event].ravel())


FORMATS = [
    FixedPoint(width, integer, signed, symmetric=symmetric)
    for width, integer, (signed, symmetric) in itertools.product(
        (2, 3, 6), (-1, 0, 3), ((False, False), (True, False), (True, True))
    )
] + [FixedPoint.binary_format()]


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
@pytest.mark.parametrize("bits", [7, 11])
def test_every_quantiser_over_its_whole_range(fmt, bits):
    """The adder graph's quantiser, in tables and in pieces, against NumPy's rounding of every word."""
    network = Network(
        "one",
        (
            Input(name="x", shape=(1,), format=FixedPoint(bits, 3, True)),
            Quantise(name="q", source="x", format=fmt),
        ),
        ("q",),
    )
    program = trace_network(network)
    proof = prove(program, network)
    assert proof.proven
    assert prove(program, network, point_limit=1).proven
    words = np.arange(-(1 << (bits - 1)), 1 << (bits - 1))
    exact = fmt.quantise(words * 2.0 ** -network.inputs[0].format.fraction)
    np.testing.assert_array_equal(evaluate(network, {"x": words[:, None]})["q"].words[:, 0], exact)


@pytest.mark.parametrize("pool", [2, 3, 4])
def test_max_pooling_of_what_may_be_negative(pool):
    network = Network(
        "pool",
        (
            Input(name="x", shape=(5, 2), format=FixedPoint(4, 1, True)),
            MaxPooling1D(name="m", source="x", pool_size=pool, strides=1, padding="same"),
            Relu(name="r", source="m", format=FixedPoint(3, 1, False)),
            MaxPooling1D(name="again", source="r", pool_size=2, strides=2),
        ),
        ("m", "again"),
    )
    assert prove(trace_network(network), network).proven


def test_no_operand_is_without_bits():
    """Upper bits that are never set were a slice of no bits, which Verilog cannot name."""
    network = random_network(203, "residual", max_bits=6)
    program = trace_network(network, fast=True)
    assert prove(program, network).proven
    used = {address for op in program.comb.ops for address in op.addr}
    assert all(sum(program.comb.ops[place].qint.kif) > 0 for place in used)


@pytest.mark.parametrize("seed", range(6))
def test_what_the_emulator_runs_is_proven_as_well(seed):
    """The compiled interpreter runs ternary adders as pairs: another program, and the same network."""
    network = random_network(7000 + seed, max_bits=8)
    program = trace_network(network, fast=True)
    pairs = as_pairs(program.comb)
    proof = prove(replace(program, comb=pairs, layer_of_op=("",) * len(pairs.ops)), network)
    assert proof.proven, str(proof)
