"""The sections of a study that belong to the co-design itself, frozen and checked one by one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from trigger.config.check import in_range
from trigger.errors import UserError
from trigger.tasks.table import TASKS

__all__ = ["BUDGETS", "ChoiceSection", "SearchSection", "StudySection", "TrainingSection", "VerifySection"]

BUDGETS = {"max_lut": ("lut", "LUT"), "max_bits": ("input_bits", "input bits"), "max_latency_ns": ("latency_ns", "ns")}
"""Keys of section ``choice`` to the cost that each bounds and its unit; a task may know only some of them."""


@dataclass(frozen=True, kw_only=True)
class StudySection:
    """What is studied.

    Parameters
    ----------
    name : str
        Small letters, digits and underscores; names the folder of the run.
    task : str
        One of `trigger.tasks.TASKS`.
    seed : int
        The one seed of the search and of every training (0 to 2**31 - 1).

    Raises
    ------
    UserError
    """

    name: str
    task: str = next(iter(TASKS))
    seed: int = 1

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", self.name):
            raise UserError(
                f"name must be 1 to 40 small letters, digits and underscores, a letter first, not '{self.name}'"
            )
        if self.task not in TASKS:
            raise UserError(f"task must be one of {', '.join(TASKS)}, not '{self.task}'")
        in_range("seed", self.seed, 0, 2**31 - 1)


@dataclass(frozen=True, kw_only=True)
class TrainingSection:
    """How one candidate is trained; a task may extend it with keys of its own.

    Parameters
    ----------
    epochs : int
        Passes over the training events while searching.
    batch_size : int
    learning_rate, final_learning_rate : float
        Adam's, falling as a half cosine from the first to the second.
    train_events : int or None
        Training events used while searching (the first ones, which are in random order); null: all.
    final_epochs : int or None
        Passes over *all* training events for the members of the front, before they are called so; null: the front keeps
        the weights of the search.
    pruning_begin, pruning_end : float
        Fractions of the training steps between which the sparsity rises; it is kept to the end.
    pruning_power : float
        Exponent of the polynomial.
    pruning_frequency : int
        Steps between two updates of the masks.

    Raises
    ------
    UserError
    """

    epochs: int = 10
    batch_size: int = 512
    learning_rate: float = 0.02
    final_learning_rate: float = 0.0002
    train_events: int | None = None
    final_epochs: int | None = 30
    pruning_begin: float = 0.2
    pruning_end: float = 0.7
    pruning_power: float = 3.0
    pruning_frequency: int = 20

    def __post_init__(self) -> None:
        in_range("epochs", self.epochs, 1, 10_000)
        in_range("batch_size", self.batch_size, 1, 1_000_000)
        for name in ("learning_rate", "final_learning_rate"):
            if not 0 < getattr(self, name) <= 1:
                raise UserError(f"{name} must be above 0 and at most 1, not {getattr(self, name):g}")
        in_range("train_events", self.train_events, 100, 1e9)
        in_range("final_epochs", self.final_epochs, 1, 10_000)
        in_range("pruning_begin", self.pruning_begin, 0, 1)
        in_range("pruning_end", self.pruning_end, 0, 0.95)
        if self.pruning_begin >= self.pruning_end:
            raise UserError(
                f"pruning_begin must be below pruning_end ({self.pruning_end:g}), not {self.pruning_begin:g}"
            )
        in_range("pruning_power", self.pruning_power, 0.5, 10)
        in_range("pruning_frequency", self.pruning_frequency, 1, 10_000)


@dataclass(frozen=True, kw_only=True)
class SearchSection:
    """The search; a task may extend it with keys of its own.

    Parameters
    ----------
    algorithm : str
        ``nsga2``, or ``random`` (the baseline: the same number of evaluations without selection).
    population : int
        Candidates a generation (a multiple of 4, at least 4).
    generations : int
        Generations, the first one included.
    objectives : tuple of str
        What is minimised: two or more of the task's objectives; empty: those that it searches by default.
    anchors : bool
        Whether the first generation includes the task's known good starting points, beside random candidates.
    crossover_probability : float
        Probability that a child has two parents.
    mutation_rate : float
        Expected number of genes that mutation changes in a child (0.1 to 20).
    promote : int
        Members of the search's front that are trained again for the final front, at most; spread evenly along it.
    workers : int
        Processes; 0: one a core. Does not change any result.
    recycle_after : int
        Candidates after which a worker process is replaced, since TensorFlow never gives all memory back.

    Raises
    ------
    UserError
    """

    algorithm: Literal["nsga2", "random"] = "nsga2"
    population: int = 32
    generations: int = 12
    objectives: tuple[str, ...] = ()
    anchors: bool = True
    crossover_probability: float = 0.8
    mutation_rate: float = 2.0
    promote: int = 24
    workers: int = 0
    recycle_after: int = 200

    def __post_init__(self) -> None:
        in_range("population", self.population, 4, 10_000)
        if self.population % 4:
            near = self.population // 4 * 4
            raise UserError(f"population must be a multiple of 4, not {self.population}; nearest: {near}, {near + 4}")
        in_range("generations", self.generations, 1, 10_000)
        in_range("crossover_probability", self.crossover_probability, 0, 1)
        in_range("mutation_rate", self.mutation_rate, 0.1, 20)
        in_range("promote", self.promote, 1, 10_000)
        in_range("workers", self.workers, 0, 256)
        in_range("recycle_after", self.recycle_after, 1, 1_000_000)


@dataclass(frozen=True, kw_only=True)
class VerifySection:
    """How much the proof of the chosen candidate runs.

    Parameters
    ----------
    events : int
        Events through QKeras, emulator and C-simulation.
    rtl_events : int
        Events through the simulation of the Verilog.
    simulator : str

    Raises
    ------
    UserError
    """

    events: int = 20_000
    rtl_events: int = 20_000
    simulator: Literal["verilator", "icarus"] = "verilator"

    def __post_init__(self) -> None:
        in_range("events", self.events, 1, 1e9)
        in_range("rtl_events", self.rtl_events, 1, 1e9)


@dataclass(frozen=True, kw_only=True)
class ChoiceSection:
    """Which member of the front becomes hardware; all null: the knee.

    Parameters
    ----------
    id : str or None
        The candidate of that id.
    max_lut, max_bits, max_latency_ns : number or None
        Budgets: the most accurate among the members that keep to them.
    tolerance : float
        For the knee: the loss of accuracy (increase of the task's first objective), relative to the best of the front,
        that is given up for a cheaper candidate.

    Raises
    ------
    UserError
    """

    id: str | None = None
    max_lut: float | None = None
    max_bits: int | None = None
    max_latency_ns: float | None = None
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        for name in BUDGETS:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UserError(f"{name} must be above 0 or null, not {value:g}")
        in_range("tolerance", self.tolerance, 0, 1)
        if self.id is not None and self.budgets:
            raise UserError(f"id ('{self.id}') must not be given together with a budget; remove one of them")

    @property
    def budgets(self) -> dict[str, float]:
        """The budgets that are given, by key."""
        return {name: value for name in BUDGETS if (value := getattr(self, name)) is not None}
