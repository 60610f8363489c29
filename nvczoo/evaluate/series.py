"""Points of codecs on sequences, whoever measured them: jobs of ours, and published figures from files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nvczoo.errors import SettingError
from nvczoo.evaluate.bd_rate import Curve
from nvczoo.evaluate.compressai_json import FOLDER as COMPRESSAI_FOLDER
from nvczoo.evaluate.compressai_json import NAMES as COMPRESSAI_NAMES
from nvczoo.evaluate.records import KIND, Record
from nvczoo.evaluate.results import MAX_JSON_BYTES, METRICS

# What of its conditions makes results of one sequence comparable; versions and speed do not.
COMPARABLE = ("width", "height", "frames", "frame_rate", "intra_period", "pictures", "psnr", "ms_ssim", "rgb")
# Metrics in the files of the DCVC family; plain psnr is 6:1:1 where the planes are there, else RGB.
DCVC_METRICS = {
    "ave_all_frame_psnr_y": "psnr_y",
    "ave_all_frame_psnr_u": "psnr_u",
    "ave_all_frame_psnr_v": "psnr_v",
    "ave_all_frame_msssim_y": "ms_ssim",
}
HEAD = 100  # bytes in which a job's file says what it is
DCVC_BPP, DCVC_PSNR = "ave_all_frame_bpp", "ave_all_frame_psnr"


@dataclass(frozen=True)
class Point:
    """A point of a curve; ``record`` and its file are there if it was measured by ``nvczoo eval``."""

    name: str
    bpp: float
    qualities: Mapping[str, float]
    record: Record | None = None
    path: Path | None = None


@dataclass(frozen=True)
class Series:
    """A codec on a sequence; points by rising rate."""

    codec: str
    sequence: str
    group: str
    points: tuple[Point, ...]
    published: bool = False

    def curve(self, metric: str) -> Curve:
        """Return the curve of a metric; raises SettingError if it is not there, or no curve."""
        missing = [point.name for point in self.points if metric not in point.qualities]
        if missing:
            raise SettingError(f"{self.codec} has no {METRICS.get(metric, metric)} at {missing[0]}")
        return Curve(
            tuple(point.bpp for point in self.points),
            tuple(point.qualities[metric] for point in self.points),
        )


def load_series(places: Sequence[Path]) -> list[Series]:
    """Return all series in folders of ``nvczoo eval`` and in files of published figures.

    Raises SettingError for what cannot be read, and for results of one sequence under two conditions.
    """
    measured: list[tuple[Path, Record]] = []
    published: list[Series] = []
    for place in places:
        if place.is_dir():
            measured += _records(place)
        elif _is_record(place):
            measured.append((place, Record.load(place)))
        else:
            published += read_published(place)
    series = _joined(measured)
    if not series and not published:
        raise SettingError(f"There are no results in {', '.join(map(str, places))}: nvczoo eval makes them")
    return series + [_matched(one, series) for one in published]


def read_published(path: Path) -> list[Series]:
    """Return the series of a JSON file in the form of the DCVC family's results, or of CompressAI's."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise SettingError(f"{str(path)!r} has more than {MAX_JSON_BYTES} bytes: it holds no results")
        table = json.loads(path.read_text(encoding="utf-8"))
        found = list(_compressai(path, table) if "results" in table else _dcvc(path, table))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, SettingError):
            raise
        raise SettingError(f"{str(path)!r} cannot be read as results: {error!r}") from error
    if not found:
        raise SettingError(f"{str(path)!r} holds no results in the form of DCVC's or CompressAI's")
    return found


def _records(folder: Path) -> Iterator[tuple[Path, Record]]:
    for path in sorted(folder.rglob("*.json")):
        if COMPRESSAI_FOLDER not in path.relative_to(folder).parts and _is_record(path):
            yield path, Record.load(path)


def _is_record(path: Path) -> bool:
    """Return whether a file says of itself that it is the answer of a job."""
    try:
        with path.open("rb") as file:
            return KIND.encode() in file.read(HEAD)
    except OSError as error:
        raise SettingError(f"{str(path)!r} cannot be read: {error.strerror or error}") from error


def _joined(measured: Sequence[tuple[Path, Record]]) -> list[Series]:
    found: dict[tuple[str, str], dict[str, tuple[Path, Record]]] = {}
    first: dict[str, tuple[Path, Record]] = {}
    for path, record in measured:
        _check_same(first.setdefault(record.sequence, (path, record)), (path, record))
        points = found.setdefault((record.sequence, record.result.codec), {})
        other = points.setdefault(record.result.point, (path, record))
        if other[1].key != record.key:
            raise SettingError(
                f"{other[0]} and {path} are two answers for one point: remove the one that is out of date"
            )
    return [_series(list(points.values())) for points in found.values()]


def _check_same(one: tuple[Path, Record], other: tuple[Path, Record]) -> None:
    for name in COMPARABLE:
        values = [getattr(record.conditions, name) for _, record in (one, other)]
        if values[0] != values[1]:
            raise SettingError(
                f"{one[0]} and {other[0]} were measured under different conditions ({name}: {values[0]} and "
                f"{values[1]}) and cannot be compared: give folders of one run"
            )


def _series(points: list[tuple[Path, Record]]) -> Series:
    record = points[0][1]
    made = [
        Point(
            one.result.point,
            one.bpp,
            {name: value for name in METRICS if (value := one.result.quality(name)) is not None},
            one,
            path,
        )
        for path, one in points
    ]
    return Series(record.result.codec, record.sequence, record.group, _rising(made))


def _rising(points: Iterable[Point]) -> tuple[Point, ...]:
    return tuple(sorted(points, key=lambda point: point.bpp))


def _dcvc(path: Path, table: Mapping[str, Any]) -> Iterator[Series]:
    """Yield from group -> sequence -> rate -> figures."""
    for group, sequences in table.items():
        for sequence, rates in sequences.items():
            points = [_dcvc_point(name, figures) for name, figures in rates.items() if DCVC_BPP in figures]
            if points:
                yield Series(path.stem, Path(sequence).stem, group, _rising(points), published=True)


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
    yield Series(codec, sequence, "", _rising(points), published=True)


def _matched(published: Series, measured: Sequence[Series]) -> Series:
    """Return a published series under the name and group that our list has for the sequence."""
    for one in measured:
        if one.sequence == published.sequence or published.sequence.startswith(f"{one.sequence}_"):
            return Series(published.codec, one.sequence, one.group, published.points, published=True)
    return published
