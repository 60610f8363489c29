"""One page that shows results: curves, pictures side by side, the table, the conditions. Needs no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from string import Template

from nvczoo.codec.pictures import matrix_of
from nvczoo.evaluate.assets import asset
from nvczoo.evaluate.rd_plot import PlotCurve, PlotPoint, marker, rd_plot
from nvczoo.evaluate.results import Result, ResultSet
from nvczoo.evaluate.table import HEADINGS, rows_of
from nvczoo.video.colour import rgb_from_planes
from nvczoo.video.picture import Colour, Picture
from nvczoo.video.png import png, png_address

TEMPLATE = "report.html"
ORIGINAL = "original"
CONDITION_NAMES = {"pictures": "Pictures", "psnr": "PSNR", "ms_ssim": "MS-SSIM", "rate": "Rate"}


@dataclass(frozen=True)
class Still:
    """A frame to be looked at: of a codec at a point, or the original, which has no point."""

    codec: str
    point: str
    frame: int
    picture: Picture
    caption: str  # such as rate and PSNR


@dataclass(frozen=True)
class Page:
    """What the page says beside figures and pictures."""

    title: str
    summary: str


def html_report(page: Page, results: ResultSet, stills: Sequence[Still], colour: Colour) -> str:
    """Return the page; the first codec of ``results`` is the one it is about."""
    template = Template(asset(TEMPLATE))
    conditions = results.conditions
    return template.substitute(
        title=escape(page.title),
        summary=escape(page.summary),
        width=conditions.width,
        height=conditions.height,
        stills=_script_json([_still(one, colour) for one in stills]),
        legend=_legend(results),
        plots=_plots(results),
        table=_table(results),
        conditions=_conditions(results),
    )


def _still(still: Still, colour: Colour) -> dict[str, object]:
    data = png(rgb_from_planes(still.picture.planes, matrix_of(colour)))
    return {
        "codec": still.codec,
        "point": still.point,
        "frame": still.frame,
        "caption": still.caption,
        "src": png_address(data),
    }


def _script_json(value: object) -> str:
    """Return JSON that cannot end the script element around it."""
    return json.dumps(value).replace("<", "\\u003c")


def _legend(results: ResultSet) -> str:
    shapes = (
        f'<li class="curve style-{style}"><svg viewBox="-8 -8 16 16" aria-hidden="true">{marker(style)}</svg>'
        f"{escape(codec)}</li>"
        for style, codec in enumerate(results.codecs)
    )
    return "".join(shapes)


def _plots(results: ResultSet) -> str:
    labels = ["PSNR 6:1:1, dB", "PSNR Y, dB"]
    values = [lambda result: result.psnr_611, lambda result: result.psnr_y]
    if all(result.ms_ssim is not None for result in results.results):
        labels[1], values[1] = "MS-SSIM, luma", lambda result: result.ms_ssim
    figures = []
    for label, value in zip(labels, values, strict=True):
        curves = [
            PlotCurve(codec, tuple(_point(one, value(one), results) for one in results.of(codec)), style)
            for style, codec in enumerate(results.codecs)
        ]
        figures.append(f"<figure>{rd_plot(curves, 'kbit/s', label)}</figure>")
    return "\n".join(figures)


def _point(result: Result, quality: float, results: ResultSet) -> PlotPoint:
    rate = results.conditions.kbps(result.size)
    return PlotPoint(rate, quality, f"{result.codec}, {result.point}: {rate:.1f} kbit/s, {quality:.4g}")


def _table(results: ResultSet) -> str:
    ours = results.codecs[0]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in HEADINGS)
    body = (
        f'<tr class="{"ours" if row[1] == ours else "other"}">'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row in rows_of(results)
    )
    return f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody>"


def _conditions(results: ResultSet) -> str:
    conditions = results.conditions
    period = conditions.intra_period
    entries = {
        "Clip": f"{conditions.clip}: {conditions.frames} frames of {conditions.width}x{conditions.height} at "
        f"{conditions.frame_rate} per second",
        "Intra period": "only the first frame is intra" if period == -1 else f"{period} frames",
        "Speed": f"{conditions.threads} threads, {conditions.device}; coding alone, pictures in memory",
    }
    entries |= {name: str(getattr(conditions, key)) for key, name in CONDITION_NAMES.items()}
    entries["Versions"] = ", ".join(f"{name} {version}" for name, version in conditions.versions)
    terms = [f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in entries.items()]
    for one in results.results:
        terms.append(
            f"<dt>{escape(one.codec)}, {escape(one.point)}</dt><dd><code>{escape(one.settings)}</code></dd>"
        )
    return "\n".join(terms)
