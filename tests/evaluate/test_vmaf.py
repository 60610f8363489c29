"""VMAF by a stand-in, and by a real ffmpeg where there is one."""

import sys
from pathlib import Path

import pytest
import torch
from test_vvenc import real_ffmpeg

from nvczoo.codec import Video
from nvczoo.errors import VideoError
from nvczoo.evaluate import vmaf
from nvczoo.evaluate.ffmpeg import find_ffmpeg
from nvczoo.video import Picture

FFMPEG = """#!{python}
import json, re, sys
text = " ".join(sys.argv)
if "-filters" in text:
    print(" .. libvmaf VV->V Calculate the VMAF")
elif "-version" in text:
    print("ffmpeg version 7.1")
else:
    log = re.search(r"log_path=(\\S+)", text)[1]
    sizes = [len(open(one, "rb").read()) for one in re.findall(r"-i (\\S+)", text)]
    assert sizes[0] == sizes[1] > 64 * 48 * 6, sizes
    json.dump({{"pooled_metrics": {{"vmaf": {{"mean": 91.5}}}}}}, open(log, "w"))
"""


def blurred(picture: Picture) -> Picture:
    y = picture.y.float()
    mean = (y + y.roll(1, 0) + y.roll(1, 1) + y.roll((1, 1), (0, 1))) / 4
    return Picture(mean.round().to(torch.uint8), picture.u, picture.v)


def test_vmaf_falls_when_pictures_get_worse(tiny_video: Video) -> None:
    ffmpeg = real_ffmpeg("libvmaf")
    same = vmaf.score(ffmpeg, tiny_video, tiny_video.pictures)
    worse = vmaf.score(ffmpeg, tiny_video, [blurred(one) for one in tiny_video])
    assert 90 < same <= 100
    assert worse < same - 5
    assert "vmaf_v0.6.1" in vmaf.describe(ffmpeg)
    assert "ffmpeg version" in vmaf.describe(ffmpeg)


def test_a_program_that_gives_no_score_is_an_error(tiny_video: Video) -> None:
    with pytest.raises(VideoError, match="could not be computed"):
        vmaf.score("true", tiny_video, tiny_video.pictures)


def test_vmaf_is_what_ffmpeg_says(tmp_path: Path, tiny_video: Video) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text(FFMPEG.format(python=sys.executable))
    program.chmod(0o755)
    found = find_ffmpeg(vmaf.FILTER, str(program))
    assert vmaf.score(found, tiny_video, tiny_video.pictures) == 91.5
    assert vmaf.describe(found).startswith("ffmpeg version 7.1; version=vmaf_v0.6.1")
