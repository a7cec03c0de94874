"""Line charts as inline SVG: drawn once, styled by the page, readable in print and in the dark."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Axis", "Curve", "line_chart", "ticks"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 16.0, 12.0, 46.0


@dataclass(frozen=True)
class Curve:
    """One curve.

    Parameters
    ----------
    label : str
        Text of the legend.
    x, y : sequences of float, of one length
    colour : int
        0 to 4: colour of the page's palette; 0 is the emphasis.
    low, high : sequences of float, optional
        Band around ``y``.
    dashed, steps : bool
        Drawn dashed; drawn as steps that hold their value to the right.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dashed: bool = False
    steps: bool = False


@dataclass(frozen=True)
class Axis:
    """An axis: its label, its range (``None``: from the data), whether it is logarithmic, or counts whole things."""

    label: str
    lowest: float | None = None
    highest: float | None = None
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class _Scale:
    lowest: float
    highest: float
    log: bool
    whole: bool
    start: float
    end: float

    def __call__(self, value: float) -> float:
        a, b, v = self.lowest, self.highest, value
        if self.log:
            a, b, v = math.log10(a), math.log10(b), math.log10(max(value, a / 10))
        return self.start + (v - a) / (b - a) * (self.end - self.start)


def line_chart(curves: Sequence[Curve], x: Axis, y: Axis, *, title: str, width: int = 640, height: int = 380) -> str:
    """Draw curves with their bands, and a legend in HTML.

    Parameters
    ----------
    curves : sequence of Curve
        On a logarithmic axis, 0 is drawn a decade below its lower end, where it is cut off.
    x, y : Axis
    title : str
        What a screen reader says of the chart.

    Returns
    -------
    str
        HTML; the same curves give the same text.
    """
    sx = _scale(x, [v for c in curves for v in c.x], _LEFT, width - _RIGHT)
    sy = _scale(y, [v for c in curves for v in (*c.y, *c.low, *c.high)], height - _BOTTOM, _TOP)
    parts = [f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(title)}">']
    parts += _grid(sx, sy, x.label, y.label, width, height)
    box = f"{_LEFT} {_TOP - 2} {width - _RIGHT - _LEFT + 2} {height - _BOTTOM - _TOP + 4}"
    left, top, wide, high = box.split()
    # An inner picture with the same coordinates cuts off what lies outside the axes.
    parts.append(f'<svg x="{left}" y="{top}" width="{wide}" height="{high}" viewBox="{box}">')
    parts += [_band(curve, sx, sy) for curve in curves if len(curve.low)]
    parts += [_line(curve, sx, sy) for curve in reversed(curves)]
    parts.append("</svg></svg>")
    return "".join(parts) + _legend(curves)


def ticks(lowest: float, highest: float, *, log: bool = False, about: int = 6) -> list[float]:
    """Round numbers within a range: 1, 2 or 5 times a power of ten; whole decades where they are many."""
    if log:
        first, last = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
        steps = (1, 2, 5) if last - first <= 3 else (1,)
        values = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    else:
        rough = (highest - lowest) / about
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(m for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
        first = math.ceil(lowest / step - 1e-9)
        values = [k * step for k in range(first, math.floor(highest / step + 1e-9) + 1)]
    slack = 1e-9 * abs(highest - lowest)
    return [value for value in values if lowest - slack <= value <= highest + slack]


def _scale(axis: Axis, values: Sequence[float], start: float, end: float) -> _Scale:
    usable = [v for v in values if math.isfinite(v) and (v > 0 or not axis.log)]
    lowest = axis.lowest if axis.lowest is not None else min(usable, default=0.1)
    highest = axis.highest if axis.highest is not None else max(usable, default=1.0)
    if not highest > lowest:
        lowest, highest = (lowest / 2, lowest * 2) if axis.log else (lowest - 0.5, lowest + 0.5)
    return _Scale(lowest, highest, axis.log, axis.whole, start, end)


def _ticks(scale: _Scale) -> list[float]:
    values = ticks(scale.lowest, scale.highest, log=scale.log)
    return [value for value in values if value == round(value)] if scale.whole else values


def _grid(sx: _Scale, sy: _Scale, x_label: str, y_label: str, width: int, height: int) -> list[str]:
    parts = []
    for value in _ticks(sx):
        at = sx(value)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{height - _BOTTOM}"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - _BOTTOM + 17}" text-anchor="middle">{value:.6g}</text>')
    for value in _ticks(sy):
        at = sy(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{value:.6g}</text>')
    middle_x, middle_y = (_LEFT + width - _RIGHT) / 2, (_TOP + height - _BOTTOM) / 2
    parts.append(
        f'<text class="axis" x="{middle_x}" y="{height - 8}" text-anchor="middle">{html.escape(x_label)}</text>'
    )
    parts.append(f'<text class="axis" transform="translate(15 {middle_y}) rotate(-90)" text-anchor="middle">'
                 f"{html.escape(y_label)}</text>")  # fmt: skip
    return parts


def _points(xs: Sequence[float], ys: Sequence[float], sx: _Scale, sy: _Scale, steps: bool) -> list[str]:
    points = []
    previous: float | None = None
    for a, b in zip(xs, ys, strict=True):
        if steps and previous is not None:
            points.append(f"{sx(a):.1f} {previous:.1f}")
        previous = sy(b)
        points.append(f"{sx(a):.1f} {previous:.1f}")
    return points


def _line(curve: Curve, sx: _Scale, sy: _Scale) -> str:
    points = _points(curve.x, curve.y, sx, sy, curve.steps)
    dash = ' stroke-dasharray="6 4"' if curve.dashed else ""
    return f'<path class="line c{curve.colour}" d="M{"L".join(points)}"{dash}/>' if points else ""


def _band(curve: Curve, sx: _Scale, sy: _Scale) -> str:
    upper = _points(curve.x, curve.high, sx, sy, curve.steps)
    lower = _points(curve.x, curve.low, sx, sy, curve.steps)
    return f'<path class="band c{curve.colour}" d="M{"L".join(upper + lower[::-1])}Z"/>'


def _legend(curves: Sequence[Curve]) -> str:
    items = "".join(f'<li><i class="key c{c.colour}{" dashed" if c.dashed else ""}"></i>{html.escape(c.label)}</li>'
                    for c in curves)  # fmt: skip
    return f'<ul class="legend">{items}</ul>'
