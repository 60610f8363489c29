"""How much more or less rate one codec needs than another for the same quality: Bjøntegaard's delta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from nvczoo.errors import SettingError

Fit = Literal["cubic", "pchip", "akima"]

MIN_POINTS = 4  # what VCEG-M33 was defined for, and what a cubic needs
MIN_OVERLAP = 0.5  # of the shorter curve: with less, a mean over the rest says little of either codec
SAME_SLOPE = 1e-9  # differences of slopes below this part of the largest count as none


@dataclass(frozen=True)
class Curve:
    """Points of a codec: rates in any unit, qualities in dB or another that grows with quality."""

    rates: tuple[float, ...]
    qualities: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.rates) != len(self.qualities):
            raise SettingError(f"A curve has {len(self.rates)} rates but {len(self.qualities)} qualities")
        if len(self.rates) < MIN_POINTS:
            raise SettingError(f"A curve has {len(self.rates)} points; a BD-rate needs {MIN_POINTS} at least")
        if not np.all(np.isfinite([*self.rates, *self.qualities])) or min(self.rates) <= 0:
            raise SettingError(f"Rates must be positive and qualities finite: {self.rates}, {self.qualities}")
        points = sorted(zip(self.rates, self.qualities, strict=True))
        for (rate, quality), (more, better) in pairwise(points):
            if not (more > rate and better > quality):
                raise SettingError(
                    f"Quality does not grow from ({rate:g}, {quality:g}) to ({more:g}, {better:g}), "
                    "and one quality would have two rates"
                )

    @property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Qualities, ascending, and the decimal logarithms of their rates."""
        qualities = np.array(self.qualities, np.float64)
        order = np.argsort(qualities)
        return qualities[order], np.log10(np.array(self.rates, np.float64)[order])


@dataclass(frozen=True)
class BdRate:
    """The mean difference in rate at equal quality, and how it was found."""

    percent: float  # negative: the tested codec needs less than the anchor
    fit: Fit
    low: float  # the qualities both curves cover
    high: float
    overlap: float  # low..high as a part of the shorter curve's range

    def __str__(self) -> str:
        return (
            f"{self.percent:+.2f} % ({self.fit}, {self.low:.2f} to {self.high:.2f}, "
            f"overlap {self.overlap:.0%})"
        )


def bd_rate(anchor: Curve, test: Curve, fit: Fit = "pchip") -> BdRate:
    """Return the BD-rate of ``test`` against ``anchor``.

    log10(rate) is fitted as a function of quality and integrated over the qualities both cover:
    Bjøntegaard, ITU-T VCEG-M33 (2001) with a cubic, JCTVC-E137 with ``pchip``; ``akima`` after Herglotz
    et al., PCS 2022. Raises SettingError if the curves overlap too little.
    """
    if fit not in FITS:
        raise SettingError(f"There is no fit {fit!r}; known are {', '.join(FITS)}")
    points = anchor.points, test.points
    low = max(quality[0] for quality, _ in points)
    high = min(quality[-1] for quality, _ in points)
    overlap = (high - low) / min(quality[-1] - quality[0] for quality, _ in points)
    if overlap < MIN_OVERLAP:
        ranges = " and ".join(f"{quality[0]:.2f} to {quality[-1]:.2f}" for quality, _ in points)
        raise SettingError(
            f"The curves cover the qualities {ranges}: they overlap by {max(overlap, 0):.0%} of the shorter "
            f"one, less than {MIN_OVERLAP:.0%}. Measure at rates where both are equally good"
        )
    integrals = [FITS[fit](*one)(low, high) for one in points]
    mean = (integrals[1] - integrals[0]) / (high - low)
    return BdRate(100 * (10**mean - 1), fit, float(low), float(high), float(overlap))


Integral = Callable[[float, float], float]


def _cubic(x: np.ndarray, y: np.ndarray) -> Integral:
    """Fit one cubic to all points, by least squares if there are more than four."""
    middle = x.mean()  # centred, for the powers of 40 dB lose six digits
    primitive = np.polyint(np.polyfit(x - middle, y, 3))
    return lambda low, high: float(np.polyval(primitive, high - middle) - np.polyval(primitive, low - middle))


def _pchip(x: np.ndarray, y: np.ndarray) -> Integral:
    """Fit a monotone piecewise cubic: Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5 (1984)."""
    h, slopes = np.diff(x), np.diff(y) / np.diff(x)
    inner = np.zeros(len(x) - 2)
    for at, (before, after) in enumerate(pairwise(slopes)):
        if before * after > 0:  # else the curve turns here and is flat
            weights = 2 * h[at + 1] + h[at], h[at + 1] + 2 * h[at]
            inner[at] = sum(weights) / (weights[0] / before + weights[1] / after)
    first = _end_slope(h[0], h[1], slopes[0], slopes[1])
    last = _end_slope(h[-1], h[-2], slopes[-1], slopes[-2])
    return _hermite(x, y, np.array([first, *inner, last]))


def _end_slope(h: float, next_h: float, slope: float, next_slope: float) -> float:
    """Return the derivative at an end by three points, bent so that the shape is kept."""
    derivative = ((2 * h + next_h) * slope - h * next_slope) / (h + next_h)
    if derivative * slope <= 0:
        return 0.0
    if slope * next_slope <= 0 and abs(derivative) > 3 * abs(slope):
        return 3 * slope
    return derivative


def _akima(x: np.ndarray, y: np.ndarray) -> Integral:
    """Fit Akima's piecewise cubic: J. ACM 17 (1970), equations 1, 8 and 9."""
    slopes = np.diff(y) / np.diff(x)
    before = [3 * slopes[0] - 2 * slopes[1], 2 * slopes[0] - slopes[1]]
    after = [2 * slopes[-1] - slopes[-2], 3 * slopes[-1] - 2 * slopes[-2]]
    m = np.array([*before, *slopes, *after])
    left, right = np.abs(m[3:] - m[2:-1]), np.abs(m[1:-2] - m[:-3])  # the weights of m[i + 1], m[i + 2]
    total = left + right
    even = total <= SAME_SLOPE * total.max()
    weighted = (left * m[1:-2] + right * m[2:-1]) / np.where(even, 1, total)
    return _hermite(x, y, np.where(even, (m[1:-2] + m[2:-1]) / 2, weighted))


def _hermite(x: np.ndarray, y: np.ndarray, derivatives: np.ndarray) -> Integral:
    """Return the integral of the piecewise cubic with these values and derivatives at ``x``."""
    h, slopes = np.diff(x), np.diff(y) / np.diff(x)
    second = (3 * slopes - 2 * derivatives[:-1] - derivatives[1:]) / h
    third = (derivatives[:-1] + derivatives[1:] - 2 * slopes) / h**2
    powers = np.stack((y[:-1], derivatives[:-1] / 2, second / 3, third / 4))  # of the integral over t

    def integral(low: float, high: float) -> float:
        start, end = np.clip(low - x[:-1], 0, h), np.clip(high - x[:-1], 0, h)
        return float(sum((row * (end**n - start**n)).sum() for n, row in enumerate(powers, 1)))

    return integral


FITS: dict[Fit, Callable[[np.ndarray, np.ndarray], Integral]] = {
    "cubic": _cubic,
    "pchip": _pchip,
    "akima": _akima,
}
