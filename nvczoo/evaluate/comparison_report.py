"""One page about a comparison: curves, tables, pictures, bits over time. It needs no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from string import Template
from typing import Any

from nvczoo.evaluate.assets import asset
from nvczoo.evaluate.comparison import ALL, Cell, Comparison, Mean
from nvczoo.evaluate.comparison_tables import cell_text, conditions, headline, mean_text
from nvczoo.evaluate.points import Point, Series
from nvczoo.evaluate.rd_plot import PlotCurve, PlotPoint, marker, rd_plot
from nvczoo.evaluate.results import METRICS
from nvczoo.evaluate.stills import ORIGINAL, still_path
from nvczoo.video.png import png_address

STYLES = 8  # colours in the template; curves beyond that share them, with another marker
STRONG = 30.0  # per cent: a BD-rate from here on has the full colour
MEGABYTE = 1_000_000
DEFAULT_PICTURES = 24.0  # megabytes


def comparison_report(comparison: Comparison, title: str, megabytes: float = DEFAULT_PICTURES) -> str:
    """Return the page; pictures are left out from where they would take more than ``megabytes``."""
    pictures = _Pictures(round(megabytes * MEGABYTE))
    data = {"sequences": [_sequence(comparison, name, pictures) for name in comparison.sequences]}
    data |= {"codecs": list(comparison.codecs)}
    left_out = (
        f" {pictures.left_out} pictures were left out to keep the page small." if pictures.left_out else ""
    )
    return Template(asset("comparison.html")).substitute(
        title=escape(title),
        style=asset("comparison.css"),
        script=asset("comparison.js"),
        summary=escape(headline(comparison)),
        note=escape(left_out),
        legend=_legend(comparison),
        plots=_plots(comparison),
        bd_rate=_bd_table(comparison),
        reasons=_reasons(comparison),
        points=_points_table(comparison),
        conditions="".join(f"<li>{escape(one)}</li>" for one in conditions(comparison)),
        data=_script_json(data),
        pictures=_script_json(pictures.sources),
    )


def _script_json(value: object) -> str:
    """Return JSON that cannot end the script element around it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


class _Pictures:
    """The pictures of the page, as data addresses, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.sources: list[str] = []
        self.left_out = 0
        self._left = limit
        self._known: dict[str, int] = {}

    def add(self, point: Point, kind: str) -> int | None:
        """Return the number of a picture, or None if there is none, or no room."""
        record, path = point.record, point.path
        if record is None or path is None or record.still is None or kind not in record.still_kinds:
            return None
        file = still_path(path, kind, record.still)
        if str(file) in self._known:
            return self._known[str(file)]
        if not file.is_file() or file.stat().st_size > self._left:
            self.left_out += 1
            return None
        data = file.read_bytes()
        self._left -= len(data)
        self.sources.append(png_address(data))
        self._known[str(file)] = len(self.sources) - 1
        return self._known[str(file)]


def _sequence(comparison: Comparison, name: str, pictures: _Pictures) -> dict[str, Any]:
    series = [one for one in comparison.series if one.sequence == name]
    record = next((point.record for one in series for point in one.points if point.record), None)
    points = [_point(one, point, pictures) for one in series for point in one.points]
    table: dict[str, Any] = {"name": name, "points": points}
    if record is not None:
        conditions_ = record.conditions
        table |= {"width": conditions_.width, "height": conditions_.height, "still": record.still}
        table["fps"] = conditions_.frame_rate
    return table


def _point(series: Series, point: Point, pictures: _Pictures) -> dict[str, Any]:
    table: dict[str, Any] = {"codec": series.codec, "point": point.name, "bpp": round(point.bpp, 5)}
    record = point.record
    if record is None:
        return table
    kinds = (ORIGINAL, *(kind for kind in record.still_kinds if kind != ORIGINAL))
    table["pictures"] = {kind: at for kind in kinds if (at := pictures.add(point, kind)) is not None}
    table["caption"] = f"{record.kbps:.0f} kbit/s, {record.result.psnr_611:.2f} dB"
    if any(frame.bits is None for frame in record.frames):
        return table
    table["bits"] = [frame.bits for frame in record.frames]
    table["psnr"] = [round(frame.psnr_611, 2) for frame in record.frames]
    table["intra"] = [number for number, frame in enumerate(record.frames) if frame.intra]
    names = dict.fromkeys(name for frame in record.frames for name in frame.parts)
    table["parts"] = {name: [round(frame.parts.get(name, 0)) for frame in record.frames] for name in names}
    return table


def _legend(comparison: Comparison) -> str:
    return "".join(
        f'<li class="curve style-{style % STYLES}"><svg viewBox="-8 -8 16 16" aria-hidden="true">'
        f"{marker(style)}</svg>{escape(codec)}</li>"
        for style, codec in enumerate(comparison.codecs)
    )


def _plots(comparison: Comparison) -> str:
    return "".join(
        f'<figure class="plot" data-sequence="{number}" data-metric="{metric}" hidden>{svg}</figure>'
        for number, sequence in enumerate(comparison.sequences)
        for metric, svg in _plots_of(comparison, sequence)
    )


def _plots_of(comparison: Comparison, sequence: str) -> Iterator[tuple[str, str]]:
    """Yield metric and plot, for each metric that a codec has."""
    series = [one for one in comparison.series if one.sequence == sequence]
    for metric, label in METRICS.items():
        curves = []
        for one in series:
            points = tuple(_plotted(one, point, metric) for point in one.points if metric in point.qualities)
            if points:
                curves.append(PlotCurve(one.codec, points, comparison.codecs.index(one.codec)))
        if curves:
            yield metric, rd_plot(curves, "bits per pixel", label)


def _plotted(series: Series, point: Point, metric: str) -> PlotPoint:
    quality = point.qualities[metric]
    kbps = "" if point.record is None else f" ({point.record.kbps:.1f} kbit/s)"
    tip = f"{series.codec}, {point.name}: {point.bpp:.4f} bpp{kbps}, {METRICS[metric]} {quality:.5g}"
    return PlotPoint(point.bpp, quality, tip)


def _bd_table(comparison: Comparison) -> str:
    head = "".join(f'<th scope="col">{escape(codec)}</th>' for codec in comparison.tested)
    rows = []
    for sequence in comparison.sequences:
        cells = [cell for cell in comparison.cells if cell.sequence == sequence]
        rows.append(f'<tr><th scope="row">{escape(sequence)}</th>{"".join(map(_bd_cell, cells))}</tr>')
    for group in dict.fromkeys(mean.group for mean in comparison.means):
        means = [mean for mean in comparison.means if mean.group == group]
        name = "mean" if group == ALL else f"mean, {group}"
        rows.append(
            f'<tr class="mean"><th scope="row">{escape(name)}</th>{"".join(map(_mean_cell, means))}</tr>'
        )
    return f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"


def _bd_cell(cell: Cell) -> str:
    if cell.bd is None:
        return f'<td class="none" title="{escape(cell.reason)}">none</td>'
    strength = min(abs(cell.bd.percent) / STRONG, 1)
    kind = "better" if cell.bd.percent < 0 else "worse"
    text = escape(cell_text(cell.bd.percent))
    return f'<td class="{kind}" style="--strength:{strength:.2f}" title="{escape(str(cell.bd))}">{text}</td>'


def _mean_cell(mean: Mean) -> str:
    return f"<td>{escape(mean_text(mean))}</td>"


def _reasons(comparison: Comparison) -> str:
    reasons = [cell for cell in comparison.cells if cell.bd is None]
    items = "".join(
        f"<li>{escape(cell.codec)}, {escape(cell.sequence)}: {escape(cell.reason)}</li>" for cell in reasons
    )
    return f"<p>There is no BD-rate where it would say little:</p><ul>{items}</ul>" if items else ""


def _points_table(comparison: Comparison) -> str:
    metrics = [
        name for name in METRICS if any(name in p.qualities for s in comparison.series for p in s.points)
    ]
    heads = ("sequence", "codec", "point", "bpp", "kbit/s", *(METRICS[name] for name in metrics))
    rows = [
        [
            *(sequence, one.codec, point.name, f"{point.bpp:.4f}"),
            "" if point.record is None else f"{point.record.kbps:.1f}",
            *(f"{point.qualities[name]:.5g}" if name in point.qualities else "" for name in metrics),
        ]
        for sequence in comparison.sequences
        for one in comparison.series
        if one.sequence == sequence
        for point in one.points
    ]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
