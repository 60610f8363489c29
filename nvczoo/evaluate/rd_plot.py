"""Rate-distortion curves as SVG that takes its colours from the page around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 400, 300  # units; small, so that text stays readable where the page is narrow
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 12, 48  # margins
MARGIN = 0.06  # of an axis, free beyond the outermost points
LOG_STEPS = (1, 2, 5)  # ticks within a decade
MAX_TICKS = 6


@dataclass(frozen=True)
class PlotPoint:
    """A point, and what is shown when it is pointed at."""

    rate: float
    quality: float
    tip: str


@dataclass(frozen=True)
class PlotCurve:
    """A codec's points; ``style`` is the number of its colour and marker."""

    name: str
    points: tuple[PlotPoint, ...]
    style: int


def rd_plot(curves: Sequence[PlotCurve], x_label: str, y_label: str) -> str:
    """Return the SVG: rate on a logarithmic axis, quality on a linear one."""
    axes = _Axes.around([point for curve in curves for point in curve.points])
    label = escape(f"{y_label} over {x_label}")
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">']
    parts += _x_axis(axes, x_label)
    parts += _y_axis(axes, y_label)
    parts += [_curve(axes, curve) for curve in curves]
    return "\n".join((*parts, "</svg>"))


@dataclass(frozen=True)
class _Axes:
    """What the axes span: log10 of the rate, and quality."""

    x: tuple[float, float]
    y: tuple[float, float]

    @classmethod
    def around(cls, points: Sequence[PlotPoint]) -> _Axes:
        rates = [log10(point.rate) for point in points]
        qualities = [point.quality for point in points]
        return cls(_widened(min(rates), max(rates)), _widened(min(qualities), max(qualities)))

    def at(self, rate: float, quality: float) -> tuple[float, float]:
        """Return a place in the picture."""
        across = (log10(rate) - self.x[0]) / (self.x[1] - self.x[0])
        up = (quality - self.y[0]) / (self.y[1] - self.y[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def rate_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 in each decade from 10**low to 10**high."""
    decades = range(floor(low), ceil(high) + 1)
    ticks = [step * 10.0**decade for decade in decades for step in LOG_STEPS]
    return [tick for tick in ticks if low <= log10(tick) <= high]


def quality_ticks(low: float, high: float) -> list[float]:
    """Return a few round numbers from ``low`` to ``high``."""
    unit = 10.0 ** floor(log10(high - low))
    steps = [step * unit * scale for scale in (0.1, 1) for step in LOG_STEPS]
    step = next(one for one in (*steps, 10 * unit) if (high - low) / one <= MAX_TICKS)
    return [number * step for number in range(ceil(low / step), floor(high / step) + 1)]


def _widened(low: float, high: float) -> tuple[float, float]:
    free = MARGIN * (high - low) or MARGIN
    return low - free, high + free


def _x_axis(axes: _Axes, label: str) -> list[str]:
    parts = []
    for tick in rate_ticks(*axes.x):
        x, _ = axes.at(tick, axes.y[0])
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{tick:g}", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, label, "middle", "name"))
    return parts


def _y_axis(axes: _Axes, label: str) -> list[str]:
    parts = []
    ticks = quality_ticks(*axes.y)
    digits = max((len(f"{tick:.6g}".partition(".")[2]) for tick in ticks), default=0)
    for tick in ticks:
        _, y = axes.at(1.0, tick)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{tick:.{digits}f}", "end"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'transform="rotate(-90 13 {middle})"'
    parts.append(
        f'<text class="name" x="13" y="{middle}" text-anchor="middle" {turned}>{escape(label)}</text>'
    )
    return parts


def _curve(axes: _Axes, curve: PlotCurve) -> str:
    places = [(axes.at(point.rate, point.quality), point) for point in curve.points]
    shape = marker(curve.style)
    line = "L".join(f"{x:.1f} {y:.1f}" for (x, y), _ in places)
    markers = [
        f'<g transform="translate({x:.1f} {y:.1f})">{shape}<title>{escape(point.tip)}</title></g>'
        for (x, y), point in places
    ]
    return f'<g class="curve style-{curve.style}"><path class="line" d="M{line}"/>{"".join(markers)}</g>'


def marker(style: int) -> str:
    """Return a shape around the origin, so that curves differ by more than colour."""
    shapes = (
        '<circle r="5"/>',
        '<path d="M-5-5H5V5H-5z"/>',
        '<path d="M0-6L6 5H-6z"/>',
        '<path d="M0-6L6 0L0 6L-6 0z"/>',
        '<path d="M0 6L6-5H-6z"/>',
    )
    return shapes[style % len(shapes)]


def _text(x: float, y: float, text: str, anchor: str, style: str = "tick") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
