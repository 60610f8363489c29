"""A line on the terminal while a job runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from nvczoo.codec.files import FileResult, Progress, Report

TIMED = "{desc} {percentage:3.0f}% {bar} {n_fmt}/{total_fmt} frames, {fps} fps, ETA {remaining}, {bits}"
ENDLESS = "{desc} {n_fmt} frames, {fps} fps, {elapsed}, {bits}"  # from a pipe: nobody knows how long


def wanted(quiet: bool) -> bool:
    """Return whether somebody looks: stderr is a terminal, and the user does not want it quiet."""
    return not quiet and sys.stderr.isatty()


@contextmanager
def progress_line(label: str, quiet: bool) -> Iterator[Report | None]:
    """Give what to call after each frame, or None where nobody looks; the line vanishes at the end."""
    if not wanted(quiet):
        yield None
        return
    with _Line(desc=label, bar_format=ENDLESS, leave=False, dynamic_ncols=True, file=sys.stderr) as line:
        yield line.show


def summary(result: FileResult, seconds: float) -> str:
    """Return what a job did in one line."""
    rate = _kilobits(result.size, result.frames, result.info.frame_rate)
    pixels = result.frames * result.info.width * result.info.height
    return (
        f"{result.frames} frames in {seconds:.1f} s ({result.frames / seconds:.2f} fps), "
        f"{result.size} bytes, {rate}, {result.size * 8 / pixels:.4f} bit per pixel"
    )


class _Line(tqdm):  # pyright: ignore[reportMissingTypeArgument]
    """A bar that knows the rate of the video."""

    bits = "- kbit/s"

    @property
    def format_dict(self) -> dict[str, Any]:
        """What ``bar_format`` can name."""
        values = dict(super().format_dict)
        rate = values["rate"] or (values["n"] / values["elapsed"] if values["elapsed"] else 0)
        return values | {"fps": f"{rate:.2f}", "bits": self.bits}

    def show(self, progress: Progress) -> None:
        """Show how far the job is."""
        if progress.total is not None and self.total != progress.total:
            self.total, self.bar_format = progress.total, TIMED
        self.bits = _kilobits(progress.size, progress.frames, progress.info.frame_rate)
        self.update(progress.frames - self.n)


def _kilobits(size: int, frames: int, frame_rate: Any) -> str:
    return f"{size * 8 * float(frame_rate) / max(frames, 1) / 1000:.1f} kbit/s"
