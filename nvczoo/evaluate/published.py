"""Figures that others have published, from files: the DCVC family's JSON, CompressAI's, and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from nvczoo.errors import SettingError
from nvczoo.evaluate.compressai_json import NAMES as COMPRESSAI_NAMES
from nvczoo.evaluate.points import Point, Series, rising
from nvczoo.evaluate.results import MAX_JSON_BYTES, METRICS

# Metrics in the files of the DCVC family; plain psnr is 6:1:1 where the planes are there, else RGB.
DCVC_METRICS = {
    "ave_all_frame_psnr_y": "psnr_y",
    "ave_all_frame_psnr_u": "psnr_u",
    "ave_all_frame_psnr_v": "psnr_v",
    "ave_all_frame_msssim_y": "ms_ssim",
}
DCVC_BPP, DCVC_PSNR = "ave_all_frame_bpp", "ave_all_frame_psnr"
CSV_COLUMNS = ("sequence", "codec", "bpp")  # and a metric at least; "group" and "point" may be there


def read_published(path: Path) -> list[Series]:
    """Return the series of a CSV file, or of JSON in the form of the DCVC family's or CompressAI's."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise SettingError(f"{str(path)!r} has more than {MAX_JSON_BYTES} bytes: it holds no results")
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets begin with a mark of the byte order
        found = list(_csv(text)) if path.suffix.lower() == ".csv" else list(_json(path, json.loads(text)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        if isinstance(error, SettingError):
            raise
        raise SettingError(f"{str(path)!r} cannot be read as results: {error!r}") from error
    if not found:
        raise SettingError(f"{str(path)!r} holds no results in the form of DCVC's or CompressAI's")
    return found


def _json(path: Path, table: Mapping[str, Any]) -> Iterator[Series]:
    return _compressai(path, table) if "results" in table else _dcvc(path, table)


def _dcvc(path: Path, table: Mapping[str, Any]) -> Iterator[Series]:
    """Yield from group -> sequence -> rate -> figures."""
    for group, sequences in table.items():
        for sequence, rates in sequences.items():
            points = [_dcvc_point(name, figures) for name, figures in rates.items() if DCVC_BPP in figures]
            if points:
                yield Series(path.stem, Path(sequence).stem, group, rising(points), published=True)


def _dcvc_point(name: str, figures: Mapping[str, Any]) -> Point:
    qualities = {ours: float(figures[theirs]) for theirs, ours in DCVC_METRICS.items() if theirs in figures}
    plain = "psnr_611" if "psnr_y" in qualities else "psnr_rgb"
    return Point(name, float(figures[DCVC_BPP]), qualities | {plain: float(figures[DCVC_PSNR])})


def _compressai(path: Path, table: Mapping[str, Any]) -> Iterator[Series]:
    """Yield the one series of a file; which sequence it is of is in the file's name: SEQUENCE-CODEC.json."""
    results, codec = table["results"], str(table["name"])
    names = {theirs: ours for ours, theirs in COMPRESSAI_NAMES.items()}
    names |= {name.replace("_", "-"): name for name in METRICS if name not in COMPRESSAI_NAMES}
    points = []
    for at, bpp in enumerate(results["bpp"]):
        qualities = {ours: float(results[theirs][at]) for theirs, ours in names.items() if theirs in results}
        points.append(Point(str(at), float(bpp), qualities))
    sequence = path.stem.removesuffix(f"-{codec}")
    yield Series(codec, sequence, "", rising(points), published=True)


def _csv(text: str) -> Iterator[Series]:
    """Yield the series of a table with a line per point; columns that we have no name for are left out."""
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in CSV_COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise SettingError(f"The table has no column {missing[0]!r}; it needs {', '.join(CSV_COLUMNS)}")
    curves: dict[tuple[str, str, str], list[Point]] = {}
    for row in reader:
        series = row["codec"], row["sequence"], row.get("group") or ""
        curves.setdefault(series, []).append(_csv_point(row, reader.line_num))
    for names, points in curves.items():
        yield Series(*names, rising(points), published=True)


def _csv_point(row: Mapping[str, str | None], line: int) -> Point:
    bpp = float(row["bpp"] or "nan")
    qualities = {name: float(value) for name in METRICS if (value := row.get(name))}
    if not row["codec"] or not row["sequence"] or not qualities or not isfinite(sum(qualities.values(), bpp)):
        raise SettingError(
            f"Line {line} is no point: it needs {', '.join(CSV_COLUMNS)}, and one of {', '.join(METRICS)}"
        )
    return Point(row.get("point") or f"line {line}", bpp, qualities)
