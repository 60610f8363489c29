"""Points of a codec on a sequence, whoever measured them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nvczoo.errors import SettingError
from nvczoo.evaluate.bd_rate import Curve
from nvczoo.evaluate.records import Record
from nvczoo.evaluate.results import METRICS


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


def rising(points: Iterable[Point]) -> tuple[Point, ...]:
    """Return points in the order of their rate."""
    return tuple(sorted(points, key=lambda point: point.bpp))
