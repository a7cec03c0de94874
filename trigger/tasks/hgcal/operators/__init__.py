"""Genetic operators on HGCAL genomes, one a file; each takes its own random generator and is a function of it alone."""

from trigger.tasks.hgcal.operators.anchors import anchors
from trigger.tasks.hgcal.operators.crossover import crossover
from trigger.tasks.hgcal.operators.initialise import random_genome
from trigger.tasks.hgcal.operators.mutation import mutate

__all__ = ["anchors", "crossover", "mutate", "random_genome"]
