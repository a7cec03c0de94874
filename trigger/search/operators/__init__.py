"""Genetic operators that fit any space which is a flat table of ordered choices."""

from trigger.search.operators.choices import ChoiceGenome, choice_operations, step

__all__ = ["ChoiceGenome", "choice_operations", "step"]
