"""Genomes and operators for a space that is a flat table: every gene has a list of ordered choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from trigger.errors import UserError
from trigger.tasks.interface import GenomeOperations

__all__ = [
    "Choice", "ChoiceGenome", "Repair", "choice_operations", "crossover_choices", "mutate_choices", "random_choices",
    "step",
]  # fmt: skip

Choice = int | float | str
ChoiceTable = Mapping[str, Sequence[Choice]]
"""Gene to its choices, in an order in which neighbours are alike; a single choice is fixed."""

T = TypeVar("T", bound=Choice)


@dataclass(frozen=True)
class ChoiceGenome:
    """One choice a gene.

    Parameters
    ----------
    genes : tuple of (str, choice)
        In the order of the table, so that equal choices are equal genomes.
    """

    genes: tuple[tuple[str, Choice], ...]

    def __getitem__(self, gene: str) -> Any:
        """The choice of a gene; KeyError if there is none of that name."""
        return self.values[gene]

    @property
    def values(self) -> dict[str, Any]:
        """Choice by gene."""
        return dict(self.genes)

    def to_json(self) -> dict[str, Choice]:
        """Plain values for a file: ``{gene: choice}``."""
        return dict(self.genes)

    @classmethod
    def from_json(cls, content: Any) -> ChoiceGenome:
        """The genome that `to_json` wrote.

        Raises
        ------
        UserError
            The content has another form.
        """
        if not isinstance(content, Mapping) or not all(
            isinstance(gene, str) and isinstance(choice, int | float | str) and not isinstance(choice, bool)
            for gene, choice in content.items()
        ):
            raise UserError(f"a genome must map genes to numbers or words as written by a sweep, not {content!r}")
        return cls(tuple(content.items()))


Repair = Callable[[dict[str, Any], Any, Random], Mapping[str, Choice]]
"""``repair(values, space, random) -> values``: makes choices that cannot stand together into such that can."""


def random_choices(table: ChoiceTable, random: Random) -> dict[str, Any]:
    """Every gene drawn uniformly among its choices."""
    return {gene: random.choice(choices) for gene, choices in table.items()}


def mutate_choices(values: Mapping[str, Choice], table: ChoiceTable, rate: float, random: Random) -> dict[str, Any]:
    """Move about ``rate`` genes: one step up or down their choices, one time in four anywhere.

    Parameters
    ----------
    values : mapping of gene to choice
    table : mapping of gene to choices
    rate : float
        Expected number of changed genes, of those that have more than one choice.
    random : Random

    Returns
    -------
    dict
        May equal the given one, by chance.
    """
    free = sum(len(choices) > 1 for choices in table.values())
    chance = min(1.0, rate / max(free, 1))
    return {gene: step(values[gene], choices, chance, random) for gene, choices in table.items()}


def crossover_choices(
    one: Mapping[str, Choice], other: Mapping[str, Choice], table: ChoiceTable, random: Random
) -> dict[str, Any]:
    """Each gene from either parent."""
    return {gene: random.choice((one, other))[gene] for gene in table}


def step(value: T, choices: Sequence[T], chance: float, random: Random) -> T:
    """With a probability of ``chance`` another choice: one step up or down, one time in four anywhere.

    Parameters
    ----------
    value : choice
        If it is none of the choices, any of them is taken.
    choices : sequence
        Ordered.
    chance : float
    random : Random

    Returns
    -------
    choice
    """
    if random.random() >= chance or len(choices) < 2:
        return value
    if value not in choices or random.random() < 0.25:
        return random.choice([choice for choice in choices if choice != value])
    place = choices.index(value)
    steps = [at for at in (place - 1, place + 1) if 0 <= at < len(choices)]
    return choices[random.choice(steps)]


def choice_operations(
    table: Callable[[Any], ChoiceTable],
    repair: Repair | None = None,
    anchors: Callable[[Any], Mapping[str, ChoiceGenome | None]] | None = None,
) -> GenomeOperations:
    """The operations of a task whose genome is a `ChoiceGenome`.

    Parameters
    ----------
    table : ``table(space) -> {gene: choices}``
        Of a space section; the same genes in the same order for every space.
    repair : callable, optional
        ``repair(values, space, random) -> values``, after every operation.
    anchors : callable, optional
        As in `GenomeOperations`.

    Returns
    -------
    GenomeOperations
    """

    def made(values: dict[str, Any], space: Any, random: Random) -> ChoiceGenome:
        repaired = values if repair is None else repair(values, space, random)
        return ChoiceGenome(tuple((gene, repaired[gene]) for gene in table(space)))

    def draw(space: Any, random: Random) -> ChoiceGenome:
        return made(random_choices(table(space), random), space, random)

    def mutate(genome: ChoiceGenome, space: Any, rate: float, random: Random) -> ChoiceGenome:
        return made(mutate_choices(genome.values, table(space), rate, random), space, random)

    def crossover(one: ChoiceGenome, other: ChoiceGenome, space: Any, random: Random) -> ChoiceGenome:
        return made(crossover_choices(one.values, other.values, table(space), random), space, random)

    return GenomeOperations(
        random=draw,
        mutate=mutate,
        crossover=crossover,
        from_json=ChoiceGenome.from_json,
        anchors=anchors if anchors is not None else lambda space: {},
    )
