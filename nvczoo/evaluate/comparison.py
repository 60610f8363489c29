"""Codecs against an anchor: BD-rate for each sequence, and the means of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from nvczoo.components import suggest
from nvczoo.errors import SettingError
from nvczoo.evaluate.bd_rate import BdRate, Fit, bd_rate
from nvczoo.evaluate.points import Series
from nvczoo.evaluate.results import METRICS

ALL = "all"


@dataclass(frozen=True)
class Cell:
    """A codec on a sequence against the anchor: a BD-rate, or the reason why there is none."""

    codec: str
    sequence: str
    group: str
    bd: BdRate | None
    reason: str = ""


@dataclass(frozen=True)
class Mean:
    """The mean of BD-rates over sequences; ``count`` of ``total`` have one."""

    codec: str
    group: str
    percent: float | None
    count: int
    total: int


@dataclass(frozen=True)
class Comparison:
    """All series, and how they do against one of the codecs."""

    series: tuple[Series, ...]
    anchor: str
    metric: str
    fit: Fit

    def __post_init__(self) -> None:
        if self.anchor not in self.codecs:
            known = suggest(self.anchor, list(self.codecs))
            raise SettingError(f"There are no results of the anchor {self.anchor!r}. {known}")
        if self.metric not in METRICS:
            raise SettingError(f"There is no metric {self.metric!r}; known are {', '.join(METRICS)}")

    @cached_property
    def codecs(self) -> tuple[str, ...]:
        """All codecs, in order of their first series."""
        return tuple(dict.fromkeys(one.codec for one in self.series))

    @cached_property
    def tested(self) -> tuple[str, ...]:
        """All but the anchor."""
        return tuple(codec for codec in self.codecs if codec != self.anchor)

    @cached_property
    def sequences(self) -> tuple[str, ...]:
        """All sequences, by group and name."""
        pairs = dict.fromkeys((one.group, one.sequence) for one in self.series)
        return tuple(dict.fromkeys(sequence for _, sequence in sorted(pairs)))

    def of(self, codec: str, sequence: str) -> Series | None:
        """Return a codec's series on a sequence."""
        pair = (codec, sequence)
        return next((one for one in self.series if (one.codec, one.sequence) == pair), None)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Each tested codec on each sequence."""
        return tuple(self._cell(codec, sequence) for sequence in self.sequences for codec in self.tested)

    @cached_property
    def means(self) -> tuple[Mean, ...]:
        """Means of each tested codec over each group, and over all sequences."""
        groups = sorted({cell.group for cell in self.cells if cell.group})
        return tuple(self._mean(codec, group) for group in (*groups, ALL) for codec in self.tested)

    def _cell(self, codec: str, sequence: str) -> Cell:
        anchor, test = self.of(self.anchor, sequence), self.of(codec, sequence)
        group = next(one.group for one in self.series if one.sequence == sequence)
        for name, one in ((self.anchor, anchor), (codec, test)):
            if one is None:
                return Cell(codec, sequence, group, None, f"{name} was not measured")
        assert anchor is not None
        assert test is not None
        try:
            found = bd_rate(anchor.curve(self.metric), test.curve(self.metric), self.fit)
        except SettingError as error:
            return Cell(codec, sequence, group, None, str(error))
        return Cell(codec, sequence, group, found)

    def _mean(self, codec: str, group: str) -> Mean:
        cells = [cell for cell in self.cells if cell.codec == codec and group in (ALL, cell.group)]
        values = [cell.bd.percent for cell in cells if cell.bd is not None]
        mean = sum(values) / len(values) if values else None
        return Mean(codec, group, mean, len(values), len(cells))


def compare(
    series: Sequence[Series], anchor: str, metric: str = "psnr_611", fit: Fit = "pchip"
) -> Comparison:
    """Return the comparison; raises SettingError if the anchor or the metric is not there."""
    return Comparison(tuple(series), anchor, metric, fit)
