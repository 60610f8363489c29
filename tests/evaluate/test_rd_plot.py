from xml.etree import ElementTree

import pytest

from nvczoo.evaluate.rd_plot import PlotCurve, PlotPoint, quality_ticks, rate_ticks, rd_plot

SVG = "{http://www.w3.org/2000/svg}"


def plotted(*curves: PlotCurve) -> ElementTree.Element:
    text = rd_plot(curves, "kbit/s", "PSNR, dB")
    return ElementTree.fromstring(text.replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))


def curve(*points: tuple[float, float], name: str = "a", style: int = 0) -> PlotCurve:
    return PlotCurve(name, tuple(PlotPoint(*point, tip=f"{name} <{point[0]:g}>") for point in points), style)


def test_every_point_has_a_marker_with_its_tip() -> None:
    image = plotted(curve((100, 30), (400, 35)), curve((90, 31), name="b", style=1))
    assert [title.text for title in image.iter(f"{SVG}title")] == ["a <100>", "a <400>", "b <90>"]


def test_points_lie_inside_the_axes_and_better_is_higher() -> None:
    image = plotted(curve((100, 30), (400, 35)))
    marks = [group.get("transform", "") for group in image.iter(f"{SVG}g") if group.get("transform")]
    (x0, y0), (x1, y1) = (map(float, mark[len("translate(") : -1].split()) for mark in marks)
    assert 58 < x0 < x1 < 388
    assert 12 < y1 < y0 < 252


@pytest.mark.parametrize(
    "points", [[(100.0, 30.0)], [(100.0, 30.0), (100.0, 30.0)], [(1.0, 0.9), (9e6, 0.99)]]
)
def test_any_points_can_be_plotted(points: list[tuple[float, float]]) -> None:
    assert plotted(curve(*points)) is not None


def test_ticks_are_round_and_inside() -> None:
    assert rate_ticks(1.9, 3.1) == [100, 200, 500, 1000]
    assert quality_ticks(28.3, 38.2) == pytest.approx([30, 32, 34, 36, 38])
    assert quality_ticks(0.901, 0.989) == pytest.approx([0.92, 0.94, 0.96, 0.98])
    assert quality_ticks(29.94, 30.07) == pytest.approx([29.95, 30.0, 30.05])
