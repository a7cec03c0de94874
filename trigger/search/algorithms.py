"""Algorithms as generators: they yield the genomes of a generation and receive the candidates made of them.

An algorithm sees only results, in the order of its own genomes, and draws only from seeds derived from the study's:
so a run that is replayed from stored results takes the same way, and neither the number of workers nor the order in
which they finish matters.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from random import Random

from deap import tools

from trigger.config.sections import SearchSection
from trigger.config.study import Study
from trigger.search.candidate import Candidate
from trigger.search.individual import Individual
from trigger.search.seeds import derived_seed, global_random
from trigger.tasks.interface import Genome

__all__ = ["ALGORITHMS", "Algorithm", "nsga2", "random_search"]

Batches = Generator[list[Genome], Sequence[Candidate], None]
Algorithm = Callable[[Study, Sequence[Genome]], Batches]

_TRIES = 200
"""Attempts at a genome that was not seen before; a space that is nearly exhausted gives smaller generations."""


def nsga2(study: Study, anchors: Sequence[Genome]) -> Batches:
    """NSGA-II with constraint domination: DEAP's selection and tournament on our genomes.

    Parameters
    ----------
    study : Study
    anchors : sequence of Genome
        Taken into the first generation.

    Yields
    ------
    list of Genome
        One generation; the candidates are sent back in the same order.

    Notes
    -----
    K. Deb et al., IEEE Trans. Evol. Comput. 6 (2002) 182.
    """
    search, seed = study.search, study.seed
    seen: set[Genome] = set()
    results = yield _first_generation(study, anchors, seen)
    population = _select(_individuals(results, search), search.population, seed, 0)
    for generation in range(1, search.generations):
        children = _offspring(population, study, generation, seen)
        if not children:
            return
        results = yield children
        population = _select(population + _individuals(results, search), search.population, seed, generation)


def random_search(study: Study, anchors: Sequence[Genome]) -> Batches:
    """Random genomes, as many as NSGA-II would evaluate: the baseline. Anchors are ignored.

    Parameters and yields are those of `nsga2`.
    """
    draw = partial(study.task.genome.random, study.space)
    seen: set[Genome] = set()
    for generation in range(study.search.generations):
        genomes = [
            genome
            for index in range(study.search.population)
            if (genome := _new(seen, draw, study.seed, "random", generation, index)) is not None
        ]
        if not genomes:
            return
        yield genomes


ALGORITHMS: dict[str, Algorithm] = {"nsga2": nsga2, "random": random_search}


def _first_generation(study: Study, anchors: Sequence[Genome], seen: set[Genome]) -> list[Genome]:
    draw = partial(study.task.genome.random, study.space)
    genomes = list(dict.fromkeys(anchors))[: study.search.population]
    seen.update(genomes)
    for index in range(len(genomes), study.search.population):
        genome = _new(seen, draw, study.seed, "first", index)
        if genome is not None:
            genomes.append(genome)
    return genomes


def _offspring(population: list[Individual], study: Study, generation: int, seen: set[Genome]) -> list[Genome]:
    search, space, seed, operations = study.search, study.space, study.seed, study.task.genome
    parents = [
        individual.candidate.genome for individual in _mating_pool(population, search.population, seed, generation)
    ]

    def child(index: int, random: Random) -> Genome:
        if not parents:
            return operations.random(space, random)
        one, other = parents[index], parents[index - 1 if index % 2 else (index + 1) % len(parents)]
        crosses = random.random() < search.crossover_probability
        mixed = operations.crossover(one, other, space, random) if crosses else one
        return operations.mutate(mixed, space, search.mutation_rate, random)

    children = []
    for index in range(search.population):
        genome = _new(seen, partial(child, index), seed, "child", generation, index)
        if genome is not None:
            children.append(genome)
    return children


def _mating_pool(population: list[Individual], size: int, seed: int, generation: int) -> list[Individual]:
    """Winners of DEAP's tournament, which needs at least four; fewer survivors simply take turns."""
    if not population:
        return []
    fours = len(population) // 4 * 4
    pool: list[Individual] = []
    with global_random(derived_seed(seed, "tournament", generation)):
        while len(pool) < size:
            pool += tools.selTournamentDCD(population, fours) if fours else population
    return pool[:size]


def _select(individuals: list[Individual], size: int, seed: int, generation: int) -> list[Individual]:
    with global_random(derived_seed(seed, "selection", generation)):
        return list(tools.selNSGA2(individuals, size)) if individuals else []


def _individuals(results: Sequence[Candidate], search: SearchSection) -> list[Individual]:
    return [Individual(candidate, search.objectives) for candidate in results if candidate.status == "ok"]


def _new(seen: set[Genome], draw: Callable[[Random], Genome], seed: int, *purpose: object) -> Genome | None:
    for attempt in range(_TRIES):
        genome = draw(Random(derived_seed(seed, *purpose, attempt)))
        if genome not in seen:
            seen.add(genome)
            return genome
    return None
