"""Results in the form of CompressAI's: one JSON per codec, each metric a list over the rates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from nvczoo.evaluate.records import Record
from nvczoo.evaluate.results import METRICS
from nvczoo.video.atomic import atomic_output

FOLDER = "compressai"
# Our names -> those that CompressAI's plots know.
NAMES = {"psnr_rgb": "psnr-rgb", "ms_ssim": "ms-ssim-y", "psnr_611": "psnr-yuv-611"}


def export(records: Sequence[Record], folder: Path) -> list[Path]:
    """Write a file for each sequence and codec into ``folder/compressai``; return their paths."""
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    pairs = dict.fromkeys((record.sequence, record.result.codec) for record in records)
    for sequence, codec in pairs:
        chosen = [one for one in records if (one.sequence, one.result.codec) == (sequence, codec)]
        path = target / f"{sequence}-{codec}.json".replace("/", "_")
        with atomic_output(path, overwrite=True) as temporary:
            temporary.write_text(as_json(chosen), encoding="utf-8")
        paths.append(path)
    return paths


def as_json(records: Iterable[Record]) -> str:
    """Return the JSON of one codec on one sequence, by rising rate."""
    ordered = sorted(records, key=lambda record: record.bpp)
    first = ordered[0]
    results: dict[str, list[float]] = {"bpp": [one.bpp for one in ordered]}
    results["bitrate"] = [one.kbps for one in ordered]
    for metric in METRICS:
        values = [one.result.quality(metric) for one in ordered]
        if all(value is not None for value in values):
            results[NAMES.get(metric, metric.replace("_", "-"))] = [
                value for value in values if value is not None
            ]
    conditions = first.conditions
    about = (
        f"{first.sequence}, {conditions.frames} frames, intra period {conditions.intra_period}; "
        f"PSNR: {conditions.psnr}; MS-SSIM: {conditions.ms_ssim}; rate: {conditions.rate}"
    )
    table = {"name": first.result.codec, "description": about, "results": results}
    return json.dumps(table, indent=2) + "\n"
