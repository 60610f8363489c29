"""RD curves for papers: one figure per sequence, by matplotlib."""

from __future__ import annotations

import re
from pathlib import Path

from nvczoo.errors import SettingError
from nvczoo.evaluate.comparison import Comparison
from nvczoo.evaluate.results import METRICS

MARKERS = "os^Dv<>P"
SIZE = (5.2, 3.9)  # inches: a column of a paper, and a little
UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
FORMATS = ("png", "pdf")


def save_figures(comparison: Comparison, folder: Path) -> list[Path]:
    """Write each sequence's curves as PNG and PDF; raises SettingError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SettingError("RD plots need matplotlib: pip install 'nvczoo[plot]'") from error
    paths = []
    for sequence in comparison.sequences:
        figure = Figure(SIZE, layout="constrained")
        axes = figure.add_subplot()
        for number, codec in enumerate(comparison.codecs):
            series = comparison.of(codec, sequence)
            points = [p for p in series.points if comparison.metric in p.qualities] if series else []
            rates, qualities = [p.bpp for p in points], [p.qualities[comparison.metric] for p in points]
            if points:
                axes.plot(rates, qualities, marker=MARKERS[number % len(MARKERS)], label=codec)
        axes.set(title=sequence, xlabel="bits per pixel", ylabel=METRICS[comparison.metric])
        axes.grid(alpha=0.4)
        axes.legend()
        for ending in FORMATS:
            path = folder / f"rd-{UNSAFE.sub('_', sequence)}.{ending}"
            figure.savefig(path, dpi=150, metadata={"CreationDate": None} if ending == "pdf" else None)
            paths.append(path)
    return paths
