"""One network in floating point, as QKeras, and without the limit of tracks: what each step to firmware costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware.network.layers import Input
from firmware.network.network import Network
from firmware.vertex import FinderOutputs, VertexFinder
from firmware.vertex.emulate import emulate_finder
from firmware.vertex.finder import DISTANCE
from sim.events.tracks.events import TrackEvents
from sim.events.tracks.word import unpack_field
from trigger.tasks.vertexing.model import Z0_STEP_CM, FinderPlan
from trigger.tasks.vertexing.samples import feature_words, finder_events, kept_tracks
from trigger.tasks.vertexing.train import Models, tie_order

__all__ = ["keras_outputs", "soft_position_cm", "unlimited_outputs"]

_CHUNK_EVENTS = 2_000
_SCORE_STEPS = 2**16
"""Association logits become integers by this factor, since metrics know words only."""


def keras_outputs(plan: FinderPlan, models: Models, events: TrackEvents) -> FinderOutputs:
    """What three Keras models say of events, the blocks between them in floating point.

    For QKeras models these are the firmware's words as values; plain models give the floating-point reference. The
    vertex is the centre of the bin of the arg-max, as in firmware.

    Parameters
    ----------
    plan : FinderPlan
        Tables, bins and lanes; its networks only name the inputs.
    models : Models
    events : TrackEvents

    Returns
    -------
    FinderOutputs
        ``weight``, ``peak`` and ``association`` in steps of 2**-16, rounded.
    """
    kept, words, z0, weight, pattern = _patterns(plan, models, events)
    owner = events.event_of_track()
    order = tie_order(plan.bins)
    best = order[pattern[:, order].argmax(axis=1)]
    vertex = _centre_steps(plan)[best]
    highest = next(port.format for port in plan.association.inputs if port.name == DISTANCE).highest
    distance = np.minimum(np.abs(z0 - vertex[owner]) >> plan.distance_shift, highest)
    association = _distinct(models.association, plan.association, {**words, DISTANCE: distance})
    full = np.bincount(owner[~kept], minlength=len(events)) > 0
    return FinderOutputs(
        bin=best, z0=vertex, peak=_words(pattern.max(axis=1)), truncated=full, kept=kept, weight=_words(weight),
        association=np.where(kept, _words(association), 0),
    )  # fmt: skip


def soft_position_cm(plan: FinderPlan, models: Models, sharpness: float, events: TrackEvents) -> NDArray[np.float64]:
    """The vertex of the soft arg-max that training uses, in cm, shape (events,)."""
    logits = _patterns(plan, models, events)[-1] * sharpness
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (share / share.sum(axis=1, keepdims=True)) @ (_centre_steps(plan) * Z0_STEP_CM)


def _centre_steps(plan: FinderPlan) -> NDArray[np.int64]:
    return (np.arange(plan.bins) << plan.bin_shift) + (1 << plan.bin_shift) // 2 - (1 << 11)


def _patterns(
    plan: FinderPlan, models: Models, events: TrackEvents
) -> tuple[
    NDArray[np.bool_], dict[str, NDArray[np.int64]], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]
]:
    """Tracks that enter, feature words, words of z0, weights, and the pattern's results of shape (events, bins)."""
    bins, half = plan.bins, plan.kernel_size // 2
    kept = kept_tracks(events, plan.lanes, plan.tracks_per_lane)
    words = {feature.name: feature_words(events.words, feature) for feature in plan.features}
    z0 = unpack_field(events.words, "z0").astype(np.int64)
    weight = np.where(kept, _distinct(models.weight, plan.weight, words), 0.0)
    place = events.event_of_track() * bins + ((z0 + (1 << 11)) >> plan.bin_shift)
    histogram = np.bincount(place, weights=weight, minlength=len(events) * bins).reshape(-1, bins)
    padded = np.pad(histogram, ((0, 0), (half, half)))[..., None].astype(np.float32)
    return kept, words, z0, weight, _predict(models.pattern, [padded])[..., 0]


def unlimited_outputs(finder: VertexFinder, events: TrackEvents, *, threads: int = 1) -> FinderOutputs:
    """What the finder would say with room for every track: the same integers, 256 tracks a lane."""
    roomy = replace(finder, tracks_per_lane=256)
    return emulate_finder(roomy, finder_events(events, finder.lanes), threads=threads)


def _distinct(model: Any, network: Network, words: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float64]:
    """Outputs of a scalar network, computed once for every different input."""
    ports = [port for port in network.layers if isinstance(port, Input)]
    key = np.zeros(len(words[ports[0].name]), np.int64)
    for port in ports:
        key = (key << port.format.width) | words[port.name]
    distinct, inverse = np.unique(key, return_inverse=True)
    inputs = []
    for port in reversed(ports):
        inputs.append(port.format.to_float(distinct & port.format.highest)[:, None].astype(np.float32))
        distinct = distinct >> port.format.width
    return _predict(model, inputs[::-1])[:, 0][inverse.reshape(-1)]


def _predict(model: Any, inputs: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    parts = [
        np.asarray(model([array[at : at + _CHUNK_EVENTS * 32] for array in inputs]), np.float64)
        for at in range(0, len(inputs[0]), _CHUNK_EVENTS * 32)
    ]
    return np.concatenate(parts)


def _words(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(values * _SCORE_STEPS).astype(np.int64)
