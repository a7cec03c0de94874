"""The report of a study: one HTML page, and the references that it compares with."""

from trigger.report.baselines import baselines
from trigger.report.gather import gather
from trigger.report.page import render

__all__ = ["baselines", "gather", "render"]
