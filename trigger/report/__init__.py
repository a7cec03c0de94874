"""The report of a study: one HTML page. Charts and tables are for the parts that a task writes too."""

from trigger.report.chart import Axis, Curve, line_chart
from trigger.report.table import Html, table

__all__ = ["Axis", "Curve", "Html", "line_chart", "table"]
