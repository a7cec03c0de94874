"""What a verification says of its proofs, and that a refuted one fails it."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from firmware.adder_graph import trace_network
from firmware.network.random_networks import random_network
from firmware.proof import PrimitiveProof, Proof, joined, prove
from firmware.verify.report import Check, VerifyResult


@pytest.fixture(scope="module")
def network():
    return random_network(108, "conv1d", max_units=6, max_bits=7, min_bits=2)


def verdict(**proofs):
    return VerifyResult(
        name="net", checks=(Check("c", events=4, outputs=3, mismatches=0),), latency_cycles=5, ii=1,
        clock_period_ns=2.5, resources={"lut": 1}, stimulus={"random": 4}, seed=0, simulator="verilator", **proofs,
    )  # fmt: skip


def test_a_proof_is_told_and_passes(network):
    proof = prove(trace_network(network), network)
    result = verdict(proof=proof)
    assert result.passed
    assert result.proof_lines[0].startswith("proof: proven for all inputs")
    told = json.loads(json.dumps(result.to_json()))["proof"]
    assert told["proven"] is True
    assert told["nodes"] == proof.nodes > 0
    assert told["outputs"] == proof.outputs > 0
    assert told["functions_exhausted"] + told["functions_in_pieces"] > 0
    assert told["unproven"] == []
    suite = ElementTree.fromstring(result.to_junit())
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")


def test_a_refuted_proof_fails_and_names_the_place(network):
    program = trace_network(network)
    ops = list(program.comb.ops)
    place = next(i for i, op in enumerate(ops) if op.opcode == 4)
    ops[place] = ops[place]._replace(data=(ops[place].data[0] + 2, ops[place].data[1]))
    proof = prove(replace(program, comb=program.comb._replace(ops=ops)), network)
    result = verdict(proof=proof)
    assert not result.passed
    assert "REFUTED: layer '" in result.proof_lines[0]
    assert result.to_json()["proof"]["first_layer"] in network.shapes
    suite = ElementTree.fromstring(result.to_junit())
    assert suite.get("failures") == "1"
    assert suite.find("testcase[@name='proof']/failure") is not None


def test_joined_proofs_hold_only_together_and_name_the_network(network):
    right = prove(trace_network(network), network)
    both = joined({"weight": right, "association": right})
    assert both.proven
    assert (both.nodes, both.outputs) == (2 * right.nodes, 2 * right.outputs)
    program = trace_network(network)
    ops = list(program.comb.ops)
    place = next(i for i, op in enumerate(ops) if op.opcode == 4)
    ops[place] = ops[place]._replace(data=(ops[place].data[0] + 2, ops[place].data[1]))
    wrong = prove(replace(program, comb=program.comb._replace(ops=ops)), network)
    one = joined({"weight": right, "association": wrong})
    assert one.refuted
    assert not one.proven
    assert one.unproven[0].layer == f"association/{wrong.unproven[0].layer}"
    assert one.first_layer == f"association/{wrong.first_layer}"


def test_an_open_proof_is_told_and_does_not_fail():
    proof = Proof(False, 3, 1, 0, 0, 0, 0, (finding := _open(),), "wide")
    result = verdict(proof=proof)
    assert result.passed
    assert "sampled" in result.proof_lines[0]
    assert str(finding) in result.proof_lines[0]
    assert result.to_json()["proof"]["proven"] is False


def _open():
    from firmware.proof import Finding

    return Finding("too_large", "wide", None, "a quantiser has too many steps")


def test_primitives_that_fail_fail_the_verification():
    good = PrimitiveProof(4, 2, 2, 1, (), 0, 7, "Yosys")
    bad = replace(good, proven=1, failed=("mux #(1): does not compute its meaning",))
    assert verdict(primitives=good).passed
    assert not verdict(primitives=bad).passed
    assert verdict(primitives=bad).to_json()["primitives"]["failed"] == list(bad.failed)
    assert verdict(primitives=replace(good, from_cache=2)).to_json() == verdict(primitives=good).to_json()
