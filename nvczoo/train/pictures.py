"""What a run looks like: its curves, and a strip of frames."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from nvczoo.interfaces import Layout
from nvczoo.train.objective import rgb
from nvczoo.train.records import read_rows
from nvczoo.video.png import png

CURVES = "curves.png"
SHOWN = ("loss", "bpp", "psnr", "endpoint")
SMOOTH = 0.02  # of all rows: what a point of a curve is the mean of


def write_curves(log: Path, target: Path) -> bool:
    """Draw the log's columns over the steps, a stripe per stage; False where matplotlib is missing."""
    rows = read_rows(log)
    if not rows or find_spec("matplotlib") is None:
        return False
    from matplotlib.figure import Figure  # without pyplot: no display, no state

    steps = [int(row["step"]) for row in rows]
    figure = Figure(figsize=(10, 2.2 * len(SHOWN)), layout="constrained")
    axes = figure.subplots(len(SHOWN), 1, sharex=True)
    for axis, name in zip(axes, SHOWN, strict=True):
        values = torch.tensor([float(row[name]) for row in rows])
        axis.plot(steps, values, linewidth=0.4, alpha=0.4)
        axis.plot(steps, _smoothed(values), linewidth=1.2)
        axis.set_ylabel(name)
        for number, (first, last) in enumerate(_spans(rows)):
            if number % 2:
                axis.axvspan(first, last, color="0.93", zorder=0)
    axes[-1].set_xlabel("step")
    figure.savefig(target, dpi=100)
    return True


def write_strip(originals: Sequence[Tensor], decoded: Sequence[Tensor], layout: Layout, target: Path) -> None:
    """Write frames [1, C, h, w] side by side as PNG: above as they were, below as they were decoded."""
    rows = [torch.cat([rgb(one, layout)[0] for one in frames], -1) for frames in (originals, decoded)]
    picture = torch.cat(rows, -2).clamp(0, 1)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(png((255 * picture).round().byte().cpu()))


def _smoothed(values: Tensor) -> Tensor:
    """Return the mean of each value and those before it; unknown ones are left out."""
    window = max(1, int(SMOOTH * len(values)))
    return torch.stack([values[max(0, at - window) : at + 1].nanmean() for at in range(len(values))])


def _spans(rows: Sequence[dict[str, str]]) -> list[tuple[int, int]]:
    """Return first and last step of each stage."""
    spans: dict[str, tuple[int, int]] = {}
    for row in rows:
        step = int(row["step"])
        spans[row["stage"]] = (spans.get(row["stage"], (step, step))[0], step)
    return list(spans.values())
