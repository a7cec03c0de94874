"""Sections of a configuration that are of this task."""

from __future__ import annotations

from dataclasses import dataclass

from trigger.config.check import choices, in_range
from trigger.config.sections import SearchSection, TrainingSection
from trigger.config.study import Study
from trigger.errors import UserError

__all__ = ["HgcalSearch", "HgcalTraining", "SpaceSection", "signal_efficiency"]


@dataclass(frozen=True, kw_only=True)
class SpaceSection:
    """The networks that the search may build: what each gene can be.

    Parameters
    ----------
    features : tuple of str
        Shape variables that may enter; empty: all of the feature table.
    min_features, max_features : int
        How many of them enter at least and at most; ``max_features`` null: all.
    input_bits : tuple of int
        Bits that a variable may be given (1 to 16).
    hidden_layers : tuple of int
        Numbers of hidden layers (0 to 3).
    units : tuple of int
        Widths of a hidden layer (1 to 128).
    weight_bits, activation_bits : tuple of int
        Bits of a layer's weights (2 to 16, sign included) and of a hidden layer's activations (1 to 16).
    sparsity : tuple of float
        Fractions of a layer's weights that pruning sets to zero (0 to 0.95).
    weight_integer, activation_integer : int
        Bits left of the binary point, sign not counted (0 to 8): weights span +-2**weight_integer, activations
        0 to 2**activation_integer.
    bias_bits, bias_integer : int
        Format of every bias.

    Raises
    ------
    UserError
    """

    features: tuple[str, ...] = ()
    min_features: int = 1
    max_features: int | None = None
    input_bits: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)
    hidden_layers: tuple[int, ...] = (1, 2)
    units: tuple[int, ...] = (4, 6, 8, 12, 16, 24, 32)
    weight_bits: tuple[int, ...] = (3, 4, 5, 6, 7, 8)
    activation_bits: tuple[int, ...] = (3, 4, 5, 6, 7, 8)
    sparsity: tuple[float, ...] = (0.0, 0.25, 0.5, 0.65, 0.8)
    weight_integer: int = 2
    activation_integer: int = 1
    bias_bits: int = 8
    bias_integer: int = 2

    def __post_init__(self) -> None:
        if len(set(self.features)) != len(self.features):
            raise UserError(f"features must name each variable once, not {list(self.features)}")
        choices("input_bits", self.input_bits, 1, 16)
        choices("hidden_layers", self.hidden_layers, 0, 3)
        choices("units", self.units, 1, 128)
        choices("weight_bits", self.weight_bits, 2, 16)
        choices("activation_bits", self.activation_bits, 1, 16)
        choices("sparsity", self.sparsity, 0, 0.95)
        in_range("weight_integer", self.weight_integer, 0, 8)
        in_range("activation_integer", self.activation_integer, 0, 8)
        in_range("bias_bits", self.bias_bits, 2, 16)
        in_range("bias_integer", self.bias_integer, 0, 8)
        in_range("min_features", self.min_features, 1, 64)
        if self.max_features is not None and self.max_features < self.min_features:
            raise UserError(
                f"max_features must be null or at least min_features ({self.min_features}), not {self.max_features}"
            )
        if self.features and len(self.features) < self.min_features:
            raise UserError(
                f"min_features must be at most the number of features ({len(self.features)}), not {self.min_features}"
            )


@dataclass(frozen=True, kw_only=True)
class HgcalTraining(TrainingSection):
    """How candidates are trained: keys of every task, and these.

    Parameters
    ----------
    population : int
        Candidates that a worker process trains at once in one graph, at most; 0: one after the other, a model for each.
    population_mb : float
        Memory that their tensors may take, in each worker process; more candidates are trained one group after the
        other.

    Raises
    ------
    UserError
    """

    population: int = 0
    population_mb: float = 1024.0

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("population", self.population, 0, 10_000)
        in_range("population_mb", self.population_mb, 1, 1e6)


@dataclass(frozen=True, kw_only=True)
class HgcalSearch(SearchSection):
    """The search, and the working point that it is for.

    Parameters
    ----------
    signal_efficiency : float
        Working point of the background efficiency (0.5 to 0.999).

    Raises
    ------
    UserError
    """

    signal_efficiency: float = 0.975

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("signal_efficiency", self.signal_efficiency, 0.5, 0.999)


def signal_efficiency(study: Study) -> float:
    """Working point of a study."""
    assert isinstance(study.search, HgcalSearch)
    return study.search.signal_efficiency
