"""What trained networks of a population answer, as integer words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from firmware.network.intervals import exact_bits, exact_formats
from firmware.network.network import Network
from firmware.network.reference import evaluate
from trigger.train.population.groups import make_groups
from trigger.train.population.lay_out import node_formats, pack_inputs, pack_weights, parameter_formats, place
from trigger.train.population.program import compiled_predictions
from trigger.train.population.start import own_weights
from trigger.train.runtime import prepare

__all__ = ["predict_population"]

_EVENTS = 4096
_FLOAT32_BITS = 24


def predict_population(
    networks: Sequence[Network], words: Sequence[Mapping[str, NDArray[np.int64]]], *, memory_mb: float = 1024.0
) -> list[dict[str, NDArray[np.int64]]]:
    """Output words of trained networks, each for its own input words, by the graph that trained them.

    Parameters
    ----------
    networks : sequence of Network
        Trained.
    words : sequence of mapping of str to int64 array of shape (events, *shape)
        For every network; of one number of events.
    memory_mb : float
        As for `fit_population`.

    Returns
    -------
    list of dict of str to int64 array of shape (events, *shape)
        By output, with the fraction of its exact result. A network whose sums need more than the 24 bits of float32
        is evaluated in integers instead.
    """
    tf = prepare(0)
    results: list[dict[str, NDArray[np.int64]]] = [{} for _ in networks]
    exact = [at for at, network in enumerate(networks) if exact_bits(network) <= _FLOAT32_BITS]
    for at in set(range(len(networks))) - set(exact):
        made = evaluate(networks[at], words[at])
        results[at] = {name: made[name].words for name in networks[at].outputs}
    events = len(next(iter(words[0].values()))) if words else 0
    for frame, indices in make_groups([networks[at] for at in exact], events, min(events, _EVENTS), memory_mb):
        chosen = [exact[index] for index in indices]
        placed = [place(frame, networks[at]) for at in chosen]
        weights = [pack_weights(frame, one, own_weights(one.network)) for one in placed]
        formats = np.stack([parameter_formats(frame, one) for one in placed], axis=1)
        fixed = (
            tf.constant(np.stack(weights)),
            tf.constant(formats),
            list(map(tf.constant, node_formats(frame, placed))),
        )
        inputs = [pack_inputs(frame, one, words[at]) for one, at in zip(placed, chosen, strict=True)]
        columns = [np.stack(column) for column in zip(*inputs, strict=True)]
        run = compiled_predictions(frame)
        parts = []
        for start in range(0, events, _EVENTS):
            cut = [tf.constant(column[:, start : start + _EVENTS]) for column in columns]
            parts.append([tensor.numpy() for tensor in run(*fixed, cut)])
        values = [np.concatenate(column, axis=1) for column in zip(*parts, strict=True)]
        for row, (one, at) in enumerate(zip(placed, chosen, strict=True)):
            ranges = exact_formats(one.network)
            for node, output in zip(frame.skeleton.outputs, values, strict=True):
                name = one.drawn.names[node]
                own = output[row][np.ix_(np.arange(events), *one.positions[node])]
                results[at][name] = np.rint(own.astype(np.float64) * 2.0 ** ranges[name].fraction).astype(np.int64)
    return results
