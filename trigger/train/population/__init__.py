"""Training of many candidates at once: one graph with a candidate axis, in place of a model for each."""

from trigger.train.population.check import check_promoted
from trigger.train.population.fit import Member, fit_population
from trigger.train.population.predict import predict_population

__all__ = ["Member", "check_promoted", "fit_population", "predict_population"]
