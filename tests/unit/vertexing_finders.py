"""Finders of the task with random weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from firmware.network.layers import Conv1D, Dense
from firmware.network.network import Network
from firmware.vertex import VertexFinder
from trigger.search.operators.choices import ChoiceGenome
from trigger.tasks.vertexing.model import FinderPlan, make_plan
from trigger.tasks.vertexing.space import PUBLISHED, SpaceSection

__all__ = ["random_finder", "small_genome", "with_random_weights"]


def small_genome(**choices: int | float) -> ChoiceGenome:
    """A finder that trains in seconds."""
    small = {"pt_bits": 5, "eta_bits": 3, "weight_layers": 1, "weight_units": 4, "association_units": 6}
    return ChoiceGenome(tuple({**PUBLISHED, **small, **choices}.items()))


def with_random_weights(plan: FinderPlan, seed: int = 0) -> FinderPlan:
    """The plan with weights over the whole range of their formats."""
    random = np.random.default_rng(seed)
    return replace(
        plan, weight=_filled(plan.weight, random), pattern=_filled(plan.pattern, random),
        association=_filled(plan.association, random),
    )  # fmt: skip


def random_finder(seed: int = 0, *, lanes: int = 18, tracks_per_lane: int = 32, **choices: int | float) -> VertexFinder:
    """A finder with random weights."""
    space = SpaceSection(lanes=lanes, tracks_per_lane=tracks_per_lane)
    return with_random_weights(make_plan(small_genome(**choices), space), seed).finder()


def _filled(network: Network, random: np.random.Generator) -> Network:
    layers = []
    for layer in network.layers:
        if isinstance(layer, Dense | Conv1D):
            shape = layer.kernel_shape(network.shapes[layer.source])
            fmt, bias = layer.kernel_format, layer.bias_format
            layer = replace(
                layer,
                kernel=random.integers(fmt.lowest, fmt.highest + 1, shape),
                bias=None if bias is None else random.integers(0, bias.highest + 1, shape[-1:]),
            )
        layers.append(layer)
    return replace(network, layers=tuple(layers))
