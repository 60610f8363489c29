"""Every shared eval clip: exact in fresh processes, of the estimated size, over the whole range."""

from pathlib import Path

import pytest
import torch
from acceptance_tools import CLIPS, STATIC_CLIPS, Point, frames_of, measure, pictures_of, run

import nvczoo
from nvczoo.codec.files import EncodeOptions
from nvczoo.codec.info import stream_info

pytestmark = pytest.mark.slow

QS = (0.0, 16.0, 32.0, 48.0, 63.0)
RATE_SPAN, PSNR_SPAN = 8.0, 7.0  # of the lowest to the highest q
FRAMING = 28  # bits of a coder's stream that hold no symbols: header 8, exponent of the state 4, end mark 16
INTRA_SAVING = 0.3  # over coding every frame with the intra codec, at equal PSNR


@pytest.fixture(scope="module", params=CLIPS)
def clip(request: pytest.FixtureRequest, shared_data: Path) -> Path:
    return shared_data / "eval" / f"{request.param}.mkv"


def test_a_fresh_process_decodes_every_picture_to_the_bit_with_any_threads(
    clip: Path, tmp_path: Path
) -> None:
    stream, decoded = tmp_path / "clip.nvc", []
    run("encode", "-i", clip, "-o", stream, "-q", "31.5", "--frames", frames_of(clip), "--picture-checksums")
    for threads in (1, 2):
        target = tmp_path / f"{threads}.y4m"
        run("decode", "-i", stream, "-o", target, threads=threads)  # compares every picture's checksum
        decoded.append(target.read_bytes())
    assert decoded[0] == decoded[1]
    assert run("verify", stream).returncode == 0


def test_the_file_is_as_large_as_the_estimate_and_the_container(clip: Path, codec: nvczoo.VideoCodec) -> None:
    frames = frames_of(clip, 10)
    options = EncodeOptions(frames=frames)
    data = codec.encode(clip, 31.5, options)
    info = stream_info(data)
    coded = sum(8 * size - FRAMING for frame in info.frames for _, size in frame.layers)
    with torch.inference_mode():
        estimated = float(codec.estimate(pictures_of(clip, frames), 31.5).total.sum())
    assert coded == pytest.approx(estimated, rel=0.01)


def test_rate_and_quality_rise_with_q_and_span_the_range(clip: Path, codec: nvczoo.VideoCodec) -> None:
    points = [measure(codec, clip, q) for q in QS]
    rates, psnrs = [point.rate for point in points], [point.psnr for point in points]
    assert rates == sorted(rates)
    assert psnrs == sorted(psnrs)
    assert rates[-1] / rates[0] >= RATE_SPAN
    assert psnrs[-1] - psnrs[0] >= PSNR_SPAN


@pytest.mark.parametrize("name", STATIC_CLIPS)
def test_a_static_camera_saves_three_tenths_over_all_intra(
    name: str, shared_data: Path, codec: nvczoo.VideoCodec
) -> None:
    path = shared_data / "eval" / f"{name}.mkv"
    intra = [measure(codec, path, q, intra_period=1) for q in (0.0, 12.0, 24.0, 36.0, 48.0, 63.0)]
    for q in (16.0, 28.0, 40.0):
        inter = measure(codec, path, q)
        assert inter.rate <= (1 - INTRA_SAVING) * Point.rate_at(intra, inter.psnr)
