"""Settings that cannot be built are refused with the valid values; hls4ml itself is the judge of the reuse rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from firmware.errors import UserError
from firmware.legality import RULES, check, multiplier_shape, valid_reuse_factors
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import (
    AveragePooling1D,
    Concatenate,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Layer,
    MaxPooling1D,
)
from firmware.network.network import Network
from firmware.network.random_networks import TOPOLOGIES, random_network
from firmware.settings import FirmwareSettings

NIBBLE = FixedPoint(4, 0, True)
WIDE = FixedPoint(30, 0, True)


def _dense(n_in: int, n_out: int, source: str = "x", name: str = "dense_1", fmt: FixedPoint = NIBBLE) -> Dense:
    kernel = np.ones((n_in, n_out), int)
    return Dense(name=name, source=source, units=n_out, kernel_format=fmt, kernel=kernel)


def _network(*layers: Layer, shape: tuple[int, ...] = (16,), fmt: FixedPoint = NIBBLE) -> Network:
    return Network("n", (Input(name="x", shape=shape, format=fmt), *layers), (layers[-1].name,))


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_random_networks_are_legal(topology: str) -> None:
    for seed in range(5):
        check(random_network(seed, topology), FirmwareSettings())


def test_reuse_factors_are_those_of_hls4ml() -> None:
    from hls4ml.backends.fpga.fpga_backend import FPGABackend

    for n_in, n_out in [(1, 1), (1, 7), (6, 4), (16, 64), (10, 3), (12, 1), (9, 16), (30, 20)]:
        backend: Any = object.__new__(_plain(FPGABackend))
        assert valid_reuse_factors(n_in, n_out, "Resource") == backend.get_valid_reuse_factors(n_in, n_out)
        assert set(valid_reuse_factors(n_in, n_out, "Resource")) <= set(valid_reuse_factors(n_in, n_out, "Latency"))


def _plain(backend: type) -> type:
    """The backend without its abstract methods, to ask it one question."""
    return type("Plain", (backend,), dict.fromkeys(getattr(backend, "__abstractmethods__", ())))


REFUSED: list[tuple[Network, dict[str, Any], str]] = [
    (
        _network(_dense(16, 64)),
        {"strategy": "Resource", "reuse_factor": 48},
        r"reuse_factor for 'dense_1' must divide 1024 \(n_in\*n_out\), not 48; nearest: 32, 64",
    ),
    (_network(_dense(16, 64)), {"reuse_factor": {"dense_1": 48}}, "nearest: 32, 64$"),
    (
        _network(_dense(10, 4), shape=(10,)),
        {"strategy": "Resource", "reuse_factor": 8},
        "split n_in = 10 or be a multiple of it, not 8; nearest: 5, 10; for all layers: 1, 2, 5, 10, 20, 40",
    ),
    (_network(_dense(16, 64)), {"strategy": "Resource", "reuse_factor": 2048}, "nearest: 1024"),
    (
        _network(_dense(16, 6), _dense(6, 5, "dense_1", "dense_2")),
        {"reuse_factor": 4},
        r"'dense_2'.*divide 30.*for all layers: 1, 2, 3, 6$",
    ),
    (_network(_dense(16, 4)), {"strategy": "distributed_arithmetic", "reuse_factor": 2}, "must be 1 with"),
    (_network(_dense(16, 4)), {"reuse_factor": {"dens_1": 2}}, r"\(dense_1\), not 'dens_1'"),
    (_network(_dense(65, 64), shape=(65,)), {}, "at most 4096 with strategy Latency"),
    (_network(Flatten(name="flat", source="x"), shape=(65, 64)), {}, "at most 4096 with io_parallel"),
    (
        _network(Concatenate(name="both", sources=("x", "x"), axis=0), shape=(2, 2)),
        {"io_type": "io_stream"},
        "must be the last with io_stream",
    ),
    (
        _network(MaxPooling1D(name="pool", source="x", pool_size=2, strides=1), shape=(4, 2)),
        {"io_type": "io_stream"},
        "must equal its pool_size",
    ),
    (_network(GlobalAveragePooling1D(name="mean", source="x"), shape=(3, 2)), {}, "power of two, not 3"),
    (
        _network(AveragePooling1D(name="pool", source="x", pool_size=3, strides=3), shape=(6, 2)),
        {},
        "power of two, not 3",
    ),
    (_network(_dense(16, 4)), {"latency_budget_ns": 2.0, "clock_period_ns": 4.0}, "at least one clock period of 4 ns"),
    (_network(replace(_dense(16, 4), kernel=None)), {}, "must be trained"),
    (_network(_dense(16, 4, name="perm")), {}, "'perm'"),
    (_network(_dense(16, 4, name="x_quantiser")), {}, "names of their own"),
    (_network(_dense(16, 4), fmt=FixedPoint(4, -2, True)), {}, "scale its values up by 4"),
    (_network(replace(_dense(16, 4, fmt=WIDE), kernel=np.full((16, 4), 2**26)), fmt=WIDE), {}, "53 bits"),
]


@pytest.mark.parametrize(("network", "settings", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_refused_with_the_valid_values(network: Network, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(network, FirmwareSettings(**settings))


@pytest.mark.parametrize(
    ("network", "settings"),
    [
        (_network(_dense(16, 64)), {"strategy": "Resource", "reuse_factor": 64}),
        (_network(_dense(10, 4), shape=(10,)), {"strategy": "Latency", "reuse_factor": 8}),
        (_network(_dense(65, 64), shape=(65,)), {"strategy": "distributed_arithmetic"}),
        (_network(Flatten(name="flat", source="x"), shape=(65, 64)), {"io_type": "io_stream"}),
        (_network(_dense(16, 64)), {"latency_budget_ns": 100.0}),
    ],
)
def test_the_remedies_pass(network: Network, settings: dict[str, Any]) -> None:
    check(network, FirmwareSettings(**settings))


def test_a_convolution_multiplies_one_window() -> None:
    kernel = np.ones((3, 4, 5), int)
    conv = Conv1D(name="c", source="x", filters=5, kernel_size=3, kernel_format=NIBBLE, kernel=kernel)
    assert multiplier_shape(_network(conv, shape=(8, 4)), conv) == (12, 5)


def test_every_rule_names_its_source() -> None:
    assert all(rule.source for rule in RULES)
    assert len({rule.check for rule in RULES}) == len(RULES)
