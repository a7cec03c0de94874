"""A network written as JSON comes back as it was, byte for byte, and bad text is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.network.random_networks import TOPOLOGIES, random_network, random_words
from firmware.network.reference import evaluate
from firmware.network.serial import from_json, to_json


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_round_trip(topology: str) -> None:
    network = random_network(5, topology)
    text = to_json(network)
    again = from_json(text)
    assert to_json(again) == text == to_json(random_network(5, topology))
    words = random_words(network, 20, 0)
    expected = evaluate(network, words)
    for name, tensor in evaluate(again, words).items():
        np.testing.assert_array_equal(tensor.words, expected[name].words)


def test_one_changed_weight_changes_the_text() -> None:
    network = random_network(5, "mlp")
    data = json.loads(to_json(network))
    dense = next(layer for layer in data["layers"] if layer["kind"] == "Dense")
    dense["kernel"]["words"][0] += 1
    assert to_json(from_json(json.dumps(data))) != to_json(network)


def _broken(**changes: object) -> str:
    return json.dumps({**json.loads(to_json(random_network(5, "mlp"))), **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be JSON"),
        ("[]", "schema"),
        (_broken(schema="network/0"), "network/1"),
        (_broken(layers=[{"kind": "Lambda", "name": "x"}]), "kind of a layer"),
        (_broken(layers=[{"kind": "Flatten", "name": "x", "source": "y", "extra": 1}]), "extra"),
        (_broken(layers=[{"kind": "Flatten", "name": "x"}]), "source"),
        (_broken(layers=[{"kind": "Input", "name": "x", "shape": [1], "format": {"width": 3}}]), "complete"),
        (_broken(layers=3), "complete"),
        (_broken(outputs=["nothing"]), "one of its layers"),
    ],
)
def test_bad_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        from_json(text)
