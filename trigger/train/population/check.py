"""Promotion: the proof that the network handed on answers as the population's graph did."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from firmware.network.network import Network
from firmware.network.reference import evaluate
from trigger.train.population.predict import predict_population

__all__ = ["check_promoted"]


def check_promoted(network: Network, words: Mapping[str, NDArray[np.int64]]) -> int:
    """Compare the graph of the population with the integer evaluation of the network.

    Parameters
    ----------
    network : Network
        Trained.
    words : mapping of str to int64 array of shape (events, *shape)

    Returns
    -------
    int
        Words compared.

    Raises
    ------
    RuntimeError
        A word differs.
    """
    (made,) = predict_population([network], [words])
    expected = evaluate(network, words)
    compared = 0
    for name in network.outputs:
        wrong = np.argwhere(made[name] != expected[name].words)
        if len(wrong):
            index = tuple(int(i) for i in wrong[0])
            raise RuntimeError(
                f"outputs of a promoted network must be those of the population: '{name}' differs in {len(wrong)} of "
                f"{made[name].size} words, the first at {index}: {made[name][index]} there, "
                f"{expected[name].words[index]} here"
            )
        compared += made[name].size
    return compared
