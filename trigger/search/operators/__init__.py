"""Genetic operators on genomes, one a file; each takes its own random generator and is a function of it alone."""

from trigger.search.operators.anchors import anchors
from trigger.search.operators.crossover import crossover
from trigger.search.operators.initialise import random_genome
from trigger.search.operators.mutation import mutate

__all__ = ["anchors", "crossover", "mutate", "random_genome"]
