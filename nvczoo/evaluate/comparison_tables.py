"""A comparison as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from nvczoo.evaluate.comparison import Comparison, Mean
from nvczoo.evaluate.points import Point, Series
from nvczoo.evaluate.results import METRICS

NONE = "none"
HEADS = ("sequence", "group", "codec", "point", "bpp", "kbps", *METRICS, "published", "settings")


def headline(comparison: Comparison) -> str:
    """Return in one sentence what the percentages are."""
    return (
        f"BD-rate against {comparison.anchor} by {METRICS[comparison.metric].partition(',')[0]}, fit "
        f"{comparison.fit}: below zero needs less rate for the same quality."
    )


def markdown(comparison: Comparison) -> str:
    """Return tables of BD-rate and of all points, and the conditions."""
    lines = [f"# BD-rate against {comparison.anchor}", "", headline(comparison), ""]
    lines += _markdown_rows(["sequence", *comparison.tested], _bd_rows(comparison))
    if reasons := [f"- {c.codec}, {c.sequence}: {c.reason}" for c in comparison.cells if c.bd is None]:
        lines += ["", "No BD-rate:", "", *reasons]
    lines += ["", "## Points", ""]
    heads = ["sequence", "codec", "point", "bpp", "kbit/s", *(METRICS[name] for name in _metrics(comparison))]
    lines += _markdown_rows(heads, [_point_row(comparison, *pair) for pair in _points(comparison)])
    lines += ["", "## Conditions", "", *(f"- {one}" for one in conditions(comparison))]
    return "\n".join(lines) + "\n"


def points_csv(comparison: Comparison) -> str:
    """Return a line per point."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADS)
    for series, point in _points(comparison):
        record = point.record
        known = [point.qualities.get(name, "") for name in METRICS]
        kbps, settings = ("", "") if record is None else (record.kbps, record.result.settings)
        first = (series.sequence, series.group, series.codec, point.name, point.bpp, kbps)
        writer.writerow((*first, *known, series.published, settings))
    return file.getvalue()


def as_json(comparison: Comparison) -> str:
    """Return BD-rates, their means, reasons, points and conditions."""
    table = {
        "anchor": comparison.anchor,
        "metric": comparison.metric,
        "fit": comparison.fit,
        "bd_rate": [
            {"sequence": cell.sequence, "group": cell.group, "codec": cell.codec, "reason": cell.reason}
            | ({} if cell.bd is None else vars(cell.bd))
            for cell in comparison.cells
        ],
        "means": [vars(mean) for mean in comparison.means],
        "points": [
            {"sequence": series.sequence, "codec": series.codec, "point": point.name, "bpp": point.bpp}
            | dict(point.qualities)
            for series, point in _points(comparison)
        ],
        "conditions": conditions(comparison),
    }
    return json.dumps(table, indent=1) + "\n"


def conditions(comparison: Comparison) -> list[str]:
    """Return what was measured how, each different statement once."""
    said: dict[str, None] = {}
    settings: dict[str, str] = {}  # by codec, at its first point: only the rate differs at others
    for _, point in _points(comparison):
        if (record := point.record) is not None:
            one = record.conditions
            said[f"intra period {one.intra_period}, {one.frames} frames of {record.sequence}"] = None
            for text in (f"pictures: {one.pictures}", f"PSNR: {one.psnr}", f"MS-SSIM: {one.ms_ssim}"):
                said[text] = None
            said[f"rate: {one.rate}"] = None
            if one.rgb:
                said[f"RGB: {one.rgb}"] = None
            if one.vmaf:
                said[f"VMAF: {one.vmaf}"] = None
            said[f"{record.result.codec}: {record.proof}; {record.identity[:64]}"] = None
            settings.setdefault(record.result.codec, f"{point.name}: {record.result.settings}")
            versions = ", ".join(" ".join(pair) for pair in one.versions)
            said[f"{one.device}, {one.threads} threads; {versions}"] = None
    published = dict.fromkeys(series.codec for series in comparison.series if series.published)
    said |= {f"{codec} at {text}": None for codec, text in settings.items()}
    return [*said, *(f"{codec}: published figures, not measured here" for codec in published)]


def cell_text(percent: float | None) -> str:
    """Return "-12.34 %", or that there is none."""
    return NONE if percent is None else f"{percent:+.2f} %"


def mean_text(mean: Mean) -> str:
    """Return a mean, and of how many if some are missing."""
    text = cell_text(mean.percent)
    return text if mean.count in (0, mean.total) else f"{text} ({mean.count} of {mean.total})"


def _bd_rows(comparison: Comparison) -> list[list[str]]:
    rows = []
    for sequence in comparison.sequences:
        cells = [cell for cell in comparison.cells if cell.sequence == sequence]
        rows.append([sequence, *(cell_text(None if c.bd is None else c.bd.percent) for c in cells)])
    for group in dict.fromkeys(mean.group for mean in comparison.means):
        means = [mean for mean in comparison.means if mean.group == group]
        rows.append([f"**mean, {group}**", *(mean_text(mean) for mean in means)])
    return rows


def _points(comparison: Comparison) -> Iterator[tuple[Series, Point]]:
    for sequence in comparison.sequences:
        for series in comparison.series:
            if series.sequence == sequence:
                yield from ((series, point) for point in series.points)


def _metrics(comparison: Comparison) -> list[str]:
    there = {name for _, point in _points(comparison) for name in point.qualities}
    return [name for name in METRICS if name in there]


def _point_row(comparison: Comparison, series: Series, point: Point) -> list[str]:
    kbps = "" if point.record is None else f"{point.record.kbps:.1f}"
    row = [series.sequence, series.codec, point.name, f"{point.bpp:.4f}", kbps]
    for name in _metrics(comparison):
        value = point.qualities.get(name)
        row.append("" if value is None else f"{value:.4f}" if name == "ms_ssim" else f"{value:.2f}")
    return row


def _markdown_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---"] * len(head)
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]
