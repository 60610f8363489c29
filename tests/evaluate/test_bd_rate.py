from itertools import accumulate
from typing import get_args

import bjontegaard
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvczoo.errors import SettingError
from nvczoo.evaluate.bd_rate import BdRate, Curve, Fit, bd_rate

ANCHOR = Curve((1000, 1800, 3200, 6000), (34.2, 36.9, 39.1, 41.4))
TEST = Curve((800, 1500, 2900, 5100), (34.4, 37.2, 39.6, 41.5))

fits = pytest.mark.parametrize("fit", get_args(Fit))
gaps = st.integers(3, 8).flatmap(
    lambda count: st.tuples(*[st.tuples(st.floats(0.2, 4), st.floats(0.2, 4))] * count)
)


def curve(steps: tuple[tuple[float, float], ...], first: float) -> Curve:
    """Return a curve of 8 dB from (1000, ``first``) on, given growth of rate and of quality by step."""
    rates = accumulate(
        (1 + growth for growth, _ in steps), lambda rate, factor: rate * factor, initial=1000.0
    )
    heights = list(accumulate((height for _, height in steps), initial=0.0))
    return Curve(tuple(rates), tuple(first + 8 * height / heights[-1] for height in heights))


def reference(anchor: Curve, test: Curve, fit: str) -> float:
    return bjontegaard.bd_rate(
        anchor.rates,
        anchor.qualities,
        test.rates,
        test.qualities,
        method=fit,
        require_matching_points=False,
        min_overlap=0,
    )


@fits
def test_bd_rate_is_that_of_the_reference_package(fit: Fit) -> None:
    assert bd_rate(ANCHOR, TEST, fit).percent == pytest.approx(reference(ANCHOR, TEST, fit), rel=1e-6)


@fits
@settings(max_examples=50, deadline=None)
@given(gaps, gaps, st.floats(30, 38))
def test_bd_rate_of_any_curves_is_that_of_the_reference_package(
    fit: Fit,
    anchor_steps: tuple[tuple[float, float], ...],
    test_steps: tuple[tuple[float, float], ...],
    first: float,
) -> None:
    anchor, test = curve(anchor_steps, 34.0), curve(test_steps, first)
    ours = bd_rate(anchor, test, fit).percent
    assert ours == pytest.approx(reference(anchor, test, fit), rel=1e-6, abs=1e-6)


@fits
def test_half_the_rate_is_minus_fifty_percent(fit: Fit) -> None:
    half = Curve(tuple(rate / 2 for rate in ANCHOR.rates), ANCHOR.qualities)
    assert bd_rate(ANCHOR, half, fit).percent == pytest.approx(-50)
    assert bd_rate(half, ANCHOR, fit).percent == pytest.approx(100)


@fits
def test_the_order_of_points_does_not_matter(fit: Fit) -> None:
    turned = Curve(TEST.rates[::-1], TEST.qualities[::-1])
    assert bd_rate(ANCHOR, turned, fit) == bd_rate(ANCHOR, TEST, fit)


def test_a_result_names_its_fit_and_its_overlap() -> None:
    result = bd_rate(ANCHOR, TEST, "akima")
    assert (result.low, result.high) == (34.4, 41.4)
    assert result.overlap == pytest.approx(7.0 / 7.1)
    assert str(BdRate(-12.345, "akima", 34.4, 41.4, 0.986)) == "-12.35 % (akima, 34.40 to 41.40, overlap 99%)"


def test_curves_that_hardly_overlap_are_refused() -> None:
    far = Curve(TEST.rates, tuple(quality + 4 for quality in TEST.qualities))
    with pytest.raises(SettingError, match="overlap by 42%"):
        bd_rate(ANCHOR, far)
    farther = Curve(TEST.rates, tuple(quality + 40 for quality in TEST.qualities))
    with pytest.raises(SettingError, match="overlap by 0%"):
        bd_rate(ANCHOR, farther)


@pytest.mark.parametrize(
    ("rates", "qualities", "message"),
    [
        ((1, 2, 3), (30, 31, 32), "3 points"),
        ((1, 2, 3, 4), (30, 31, 32), "4 rates but 3"),
        ((0, 2, 3, 4), (30, 31, 32, 33), "positive"),
        ((1, 2, 3, 4), (30, 31, float("nan"), 33), "finite"),
        ((1, 2, 3, 4), (30, 32, 31, 33), "does not grow"),
        ((1, 2, 2, 4), (30, 31, 32, 33), "does not grow"),
    ],
)
def test_a_curve_that_is_none_is_refused(
    rates: tuple[float, ...], qualities: tuple[float, ...], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        Curve(rates, qualities)


def test_an_unknown_fit_lists_the_known_ones() -> None:
    with pytest.raises(SettingError, match="cubic, pchip, akima"):
        bd_rate(ANCHOR, TEST, "spline")  # pyright: ignore[reportArgumentType]
