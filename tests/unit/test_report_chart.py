"""Charts: ticks at round numbers, curves where they belong, figures as people read them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from trigger.report.chart import Axis, Curve, line_chart, ticks
from trigger.report.table import Html, count, interval_cell, number, percent, table


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0.8, 1.0, [0.8, 0.85, 0.9, 0.95, 1.0]),
        (-3, 3, [-3, -2, -1, 0, 1, 2, 3]),
    ],
)
def test_linear_ticks(lowest, highest, expected):
    assert ticks(lowest, highest) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [
        (0.01, 1, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]),
        (0.03, 0.4, [0.05, 0.1, 0.2]),
        (1e-5, 1, [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1]),
    ],
)
def test_logarithmic_ticks(lowest, highest, expected):
    assert ticks(lowest, highest, log=True) == pytest.approx(expected)


def picture(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html[: html.rindex("</svg>") + len("</svg>")])


def points(path: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([-\d.]+) ([-\d.]+)", path.attrib["d"])]


def test_a_curve_goes_through_its_points():
    # 640 x 380 with margins 62, 16, 12, 46: the axes' corners are at (62, 334) and (624, 12).
    html = line_chart(
        [Curve(label="a", x=(0, 1), y=(0.01, 1), colour=0)], Axis("x", 0, 1), Axis("y", 0.01, 1, log=True), title="t"
    )
    (line,) = [path for path in picture(html).iter("path") if path.attrib["class"].startswith("line")]
    assert points(line) == [(62.0, 334.0), (624.0, 12.0)]


def test_the_middle_of_a_logarithmic_axis_is_the_geometric_mean():
    html = line_chart(
        [Curve(label="a", x=(0, 1), y=(0.1, 0.1), colour=0)], Axis("x", 0, 1), Axis("y", 0.01, 1, log=True), title="t"
    )
    (line,) = [path for path in picture(html).iter("path") if path.attrib["class"].startswith("line")]
    assert {y for _, y in points(line)} == {173.0}


def test_steps_hold_their_value_to_the_right():
    html = line_chart(
        [Curve(label="a", x=(0, 1), y=(0, 1), colour=0, steps=True)], Axis("x", 0, 1), Axis("y", 0, 1), title="t"
    )
    (line,) = [path for path in picture(html).iter("path") if path.attrib["class"].startswith("line")]
    assert points(line) == [(62.0, 334.0), (624.0, 334.0), (624.0, 12.0)]


def test_a_band_goes_up_one_side_and_down_the_other():
    curve = Curve(label="a", x=(0, 1), y=(0.5, 0.5), colour=1, low=(0, 0), high=(1, 1))
    html = line_chart([curve], Axis("x", 0, 1), Axis("y", 0, 1), title="t")
    (band,) = [path for path in picture(html).iter("path") if path.attrib["class"].startswith("band")]
    assert points(band) == [(62.0, 12.0), (624.0, 12.0), (624.0, 334.0), (62.0, 334.0)]


@pytest.mark.parametrize("values", [(0.0, 0.0), (0.3, 0.3)])
def test_flat_and_zero_curves_are_drawn_on_either_axis(values):
    for log in (False, True):
        html = line_chart([Curve(label="a", x=(0, 1), y=values, colour=0)], Axis("x"), Axis("y", log=log), title="t")
        assert "nan" not in html
        assert "<path" in html


def test_figures_are_written_for_people():
    assert count(1234567.4) == "1\u2009234\u2009567"
    assert percent(0.0421) == "4.21\u2009%"
    assert interval_cell(0.0421, 0.04, 0.0443) == "4.21\u2009%<small>4.00 to 4.43</small>"
    assert number(33.336) == "33.3"
    assert number(12345.6) == "12\u2009346"
    assert count(None) == percent(None) == number(None) == "\u2013"


def test_cells_are_escaped_unless_they_are_html():
    html = table(("a",), [("<b>",), (Html("<i>x</i>"),)], emphasised=[1])
    assert "&lt;b&gt;" in html
    assert "<i>x</i>" in html
    assert html.count("class=chosen") == 1
