"""VMAF, computed by an ffmpeg of the user's that has libvmaf."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nvczoo.codec.video import Video
from nvczoo.errors import VideoError
from nvczoo.evaluate.ffmpeg import version_of
from nvczoo.video.picture import Picture

FILTER = "libvmaf"
MODEL = "version=vmaf_v0.6.1"
RUN_LIMIT = 24 * 3600  # seconds


def describe(ffmpeg: str) -> str:
    """Return program and model in words."""
    return f"{version_of(ffmpeg)}; {MODEL}; mean over frames"


def score(ffmpeg: str, original: Video, decoded: Sequence[Picture]) -> float:
    """Return the mean VMAF of decoded pictures; raises VideoError."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("decoded.y4m", "original.y4m")]
        info = replace(original.info, tracks=())
        # Both without times of their own, so that frames meet by number.
        for file, pictures in zip(files, (decoded, original.pictures), strict=True):
            Video(info, tuple(Picture(*one.planes) for one in pictures)).save(file)
        log = Path(folder) / "vmaf.json"
        graph = f"{FILTER}=model={MODEL}:log_fmt=json:log_path={log}"
        command = [ffmpeg, "-v", "error", "-i", str(files[0]), "-i", str(files[1])]
        command += ["-lavfi", graph, "-f", "null", "-"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_LIMIT, check=False)
        try:
            return float(json.loads(log.read_text(encoding="utf-8"))["pooled_metrics"]["vmaf"]["mean"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise VideoError(f"VMAF could not be computed: {done.stderr.strip() or error!r}") from error
