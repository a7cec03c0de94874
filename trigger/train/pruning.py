"""Magnitude pruning by tensorflow-model-optimization, and the proof that it survived quantisation.

Its wrappers hold masks, schedule and the update of the masks. They are made around the layers of a model whose own
graph stays free of them: the model is traced once without their control flow (a third of the time), and there is
nothing to strip afterwards.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from firmware.network.layers import Conv1D, Conv2D, Dense
from firmware.network.network import Network
from trigger.config.sections import TrainingSection

__all__ = ["Pruner", "check_sparsity", "kept_weights", "schedule_steps"]


@dataclass(frozen=True)
class _Steps:
    begin: int
    end: int
    frequency: int


def schedule_steps(steps: int, settings: TrainingSection) -> _Steps:
    """First and last step at which masks are updated, and how often: multiples of the frequency.

    A training too short for the wanted frequency updates its masks more often.
    """
    frequency = max(1, min(settings.pruning_frequency, steps // 20))
    begin = int(settings.pruning_begin * steps) // frequency * frequency
    end = max(int(settings.pruning_end * steps) // frequency * frequency, begin + frequency)
    return _Steps(begin, end, frequency)


class Pruner:
    """The pruning of one model.

    Parameters
    ----------
    model : tf_keras.Model
    sparsity : mapping of str to float
        Fraction of the kernel's weights to be zero at the end, by layer; 0: not pruned.
    steps : int
        Of the whole training.
    settings : TrainingSection
    """

    def __init__(self, model: Any, sparsity: Mapping[str, float], steps: int, settings: TrainingSection) -> None:
        schedule = schedule_steps(steps, settings)
        self.frequency = schedule.frequency
        self._wrappers = [
            _wrap(model.get_layer(name), fraction, schedule, settings.pruning_power)
            for name, fraction in sparsity.items()
            if fraction > 0
        ]

    def __bool__(self) -> bool:
        return bool(self._wrappers)

    def update_masks(self, step: int) -> None:
        """Let the schedule decide which weights are zero from this step on."""
        for wrapper in self._wrappers:
            wrapper.pruning_step.assign(step)
            wrapper.pruning_obj.conditional_mask_update()

    def mask_weights(self) -> None:
        """Set the masked weights to zero; part of every training step, and of the end."""
        for wrapper in self._wrappers:
            wrapper.pruning_obj.weight_mask_op()


def kept_weights(weights: int, sparsity: float) -> int:
    """Weights that pruning to a sparsity leaves, as the library counts: rounded in float32, at least one."""
    return max(int(np.rint(np.float32(weights) * (np.float32(1) - np.float32(sparsity)))), 1)


def check_sparsity(network: Network, sparsity: Mapping[str, float]) -> dict[str, float]:
    """Prove the wanted sparsity in the integer weights of a trained network.

    Parameters
    ----------
    network : Network
        Trained.
    sparsity : mapping of str to float
        Wanted fraction of zeros, by layer.

    Returns
    -------
    dict of str to float
        Fraction of zero words in every kernel.

    Raises
    ------
    RuntimeError
        A kernel has fewer zeros than pruning must have left.
    """
    found: dict[str, float] = {}
    for layer in network.layers:
        if not isinstance(layer, Dense | Conv1D | Conv2D):
            continue
        assert layer.kernel is not None
        zeros, weights = int(np.count_nonzero(layer.kernel == 0)), layer.kernel.size
        needed = weights - kept_weights(weights, sparsity.get(layer.name, 0.0))
        if zeros < needed:
            raise RuntimeError(
                f"sparsity of layer '{layer.name}' must leave at least {needed} of {weights} integer weights zero, "
                f"not {zeros}"
            )
        found[layer.name] = zeros / weights
    return found


def _wrap(layer: Any, fraction: float, schedule: _Steps, power: float) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import still uses names that Keras calls deprecated
        from tensorflow_model_optimization.python.core.sparsity.keras import pruning_schedule, pruning_wrapper

    decay = pruning_schedule.PolynomialDecay(
        initial_sparsity=0.0, final_sparsity=fraction, begin_step=schedule.begin, end_step=schedule.end,
        power=power, frequency=schedule.frequency,
    )  # fmt: skip
    wrapper = pruning_wrapper.PruneLowMagnitude(layer, pruning_schedule=decay)
    wrapper.build(layer.input_shape)
    return wrapper
