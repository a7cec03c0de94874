"""A tiny network, its project, and copies of it to break."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from firmware import FirmwareSettings
from firmware.convert import convert
from firmware.network.fixed_point import FixedPoint
from firmware.network.layers import Concatenate, Dense, Input, Quantise, Relu
from firmware.network.network import Network
from firmware.project.cache import CACHE


def tiny_network() -> Network:
    """Two inputs, two outputs; quantisers that round and saturate often, and no unit that does nothing."""
    rng = np.random.default_rng(5)
    weight, bias = FixedPoint(4, 0, True), FixedPoint(5, 1, True)

    def kernel(rows, columns):
        return rng.choice([-7, -5, -3, 3, 5, 6, 7], (rows, columns)).astype(np.int64)

    layers = (
        Input(name="x", shape=(2,), format=FixedPoint(4, 0, False)),
        Input(name="y", shape=(2,), format=FixedPoint(4, 0, True)),
        Concatenate(name="both", sources=("x", "y")),
        Dense(name="hidden", source="both", units=5, kernel_format=weight, bias_format=bias, kernel=kernel(4, 5),
              bias=np.array([3, -2, 1, 0, 5])),
        Relu(name="active", source="hidden", format=FixedPoint(4, 0, False)),
        Dense(name="scores", source="active", units=3, kernel_format=weight, bias_format=bias, kernel=kernel(5, 3),
              bias=np.array([-1, 2, 0])),
        Quantise(name="coarse", source="scores", format=FixedPoint(4, 0, True)),
        Dense(name="sums", source="active", units=2, kernel_format=weight, bias_format=bias, kernel=kernel(5, 2),
              bias=np.array([1, -4])),
    )  # fmt: skip
    return Network("tiny", layers, ("coarse", "sums"))


@pytest.fixture(scope="session", autouse=True)
def _shared_builds(request):
    """Both test processes, and the next run, find what was compiled before."""
    before = os.environ.get(CACHE)
    os.environ[CACHE] = before or str(request.config.rootpath / ".trigger-cache")
    yield
    if before is None:
        del os.environ[CACHE]


@pytest.fixture(scope="session")
def tiny_project(tmp_path_factory):
    """The project of the tiny network; not to be changed."""
    settings = FirmwareSettings(clock_period_ns=2.0)
    return convert(tiny_network(), tmp_path_factory.mktemp("projects"), settings, name="tiny")


@pytest.fixture
def project_copy(tiny_project, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(tiny_project, tmp_path / "tiny")
