"""Points of codecs on sequences, whoever measured them: jobs of ours, and published figures from files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nvczoo.errors import SettingError
from nvczoo.evaluate.compressai_json import FOLDER as COMPRESSAI_FOLDER
from nvczoo.evaluate.points import Point, Series, rising
from nvczoo.evaluate.published import read_published
from nvczoo.evaluate.records import KIND, Record
from nvczoo.evaluate.results import METRICS

# What of its conditions makes results of one sequence comparable; versions and speed do not.
COMPARABLE = ("width", "height", "frames", "frame_rate", "intra_period", "pictures", "psnr", "ms_ssim", "rgb")
HEAD = 100  # bytes in which a job's file says what it is


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
    return Series(record.result.codec, record.sequence, record.group, rising(made))


def _matched(published: Series, measured: Sequence[Series]) -> Series:
    """Return a published series under the name and group that our list has for the sequence."""
    for one in measured:
        if one.sequence == published.sequence or published.sequence.startswith(f"{one.sequence}_"):
            return Series(published.codec, one.sequence, one.group, published.points, published=True)
    return published
