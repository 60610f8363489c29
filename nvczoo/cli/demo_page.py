"""The page the demo writes: which frames it shows, and what it says about them."""

from __future__ import annotations

from collections.abc import Sequence

from nvczoo.codec.video import Video
from nvczoo.evaluate.html_report import ORIGINAL, Page, Still, html_report
from nvczoo.evaluate.measure import Measurement
from nvczoo.evaluate.results import ResultSet

SHOWN_FRAMES = (0, 31)  # an intra frame, and the last before the next: where errors have piled up most


def demo_page(video: Video, measurements: Sequence[Measurement], results: ResultSet) -> str:
    """Return the page: the codec measured first beside the original and the codec measured last."""
    ours, conditions = measurements[0].result.codec, results.conditions
    shown = sorted({min(frame, len(video) - 1) for frame in SHOWN_FRAMES})
    codecs = (ours, results.codecs[-1])
    stills = [Still(ORIGINAL, "", frame, video[frame], "") for frame in shown]
    stills += [
        _still(one, frame, results) for one in measurements if one.result.codec in codecs for frame in shown
    ]
    count = len(results.of(ours))
    summary = (
        f"{ours} has compressed {conditions.clip}, {conditions.frames} frames of "
        f"{conditions.width}x{conditions.height}, at {count} qualities. A new process has decoded each "
        "file, and every picture was the encoder's, bit for bit."
    )
    if others := results.codecs[1:]:
        summary += f" Beside it, at the same file sizes as nearly as they can: {', '.join(others)}."
    return html_report(Page(f"nvczoo: {ours} at work", summary), results, stills, video.info.colour)


def _still(measured: Measurement, frame: int, results: ResultSet) -> Still:
    result = measured.result
    rate, psnr = results.conditions.kbps(result.size), measured.quality.frames[frame].psnr_611
    caption = f"{rate:.0f} kbit/s, this frame {psnr:.2f} dB"
    return Still(result.codec, result.point, frame, measured.pictures[frame], caption)
