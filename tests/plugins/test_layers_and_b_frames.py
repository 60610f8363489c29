"""SEVC's layers and BRHVC's B frames on real clips, narrow and untrained, and from process to process."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from narrow_models import NARROW
from torch import Tensor

import nvczoo
from nvczoo.cli.demo import read_clip
from nvczoo.codec import DecodeOptions, EncodeOptions, StreamInfo, Video, VideoCodec, stream_info, strip
from nvczoo.codec.arithmetic import PRECISIONS
from nvczoo.video import Picture, VideoInfo, open_video

CHECKED, BASE = EncodeOptions(picture_checksums=True), DecodeOptions(layers="base")
SIZE = (56, 72)  # (H, W); the height is no multiple of 16
Q = 40
GROUP = {"gop.size": 4, "gop.intra_period": 4}
LAYER_END = 4  # bytes of the coder at the end of a layer, which no estimate has
DECODE = """
import hashlib, sys, nvczoo
sys.path.insert(0, sys.argv[1])
from narrow_models import NARROW
from nvczoo.codec import DecodeOptions
codec = nvczoo.create(sys.argv[2], parts=NARROW[sys.argv[2]])
for layers in sys.argv[4:]:
    video = codec.decode(sys.argv[3], DecodeOptions(layers=layers))
    print(hashlib.sha256(video.to_rgb().numpy().tobytes()).hexdigest())
"""


def cropped(video: Video, count: int, size: tuple[int, int] = SIZE) -> Video:
    """Return the first pictures of a clip, their middle."""
    top, left = ((side - wanted) // 4 * 2 for side, wanted in zip(sides(video.info), size, strict=True))

    def part(plane: Tensor, scale: int) -> Tensor:
        rows, columns = (
            slice(at // scale, (at + side) // scale) for at, side in ((top, size[0]), (left, size[1]))
        )
        return plane[rows, columns].contiguous()

    info = VideoInfo(size[1], size[0], video.info.frame_rate, 1 / video.info.frame_rate)
    pictures = tuple(
        Picture(part(one.y, 1), part(one.u, 2), part(one.v, 2), number)
        for number, one in enumerate(video.pictures[:count])
    )
    return Video(info, pictures)


def sides(info: VideoInfo) -> tuple[int, int]:
    return info.height, info.width


@pytest.fixture(scope="module")
def butterfly() -> Video:
    """Return a part of the clip that ships with nvczoo."""
    return cropped(read_clip(None, 6), 6)


@pytest.fixture(scope="module")
def foreman(shared_data: Path) -> Video:
    with open_video(shared_data / "eval" / "foreman_176x144.mkv") as reader:
        pictures = tuple(one for one, _ in zip(reader, range(33), strict=False))
        return Video(reader.info, pictures)


def narrow(model: str, **options: Any) -> VideoCodec:
    return nvczoo.create(model, parts=NARROW[model] | options)


def coded_bits(info: StreamInfo) -> float:
    """Return the bits of all layers, without what the coder ends each with."""
    sizes = [size for frame in info.frames for _, size in frame.layers]
    return 8 * (sum(sizes) - LAYER_END * len(sizes))


def same(one: Any, other: Any) -> bool:
    return all(a.same(b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_real_clip_in_layers_gives_both_videos(precision: str, butterfly: Video) -> None:
    codec = nvczoo.create("sevc", parts=NARROW["sevc"], precision=precision)
    clip = Video(butterfly.info, butterfly.pictures[:2])
    data = codec.encode(clip, Q, CHECKED)
    whole, small = codec.decode(data), codec.decode(data, BASE)  # which compare with the encoder's pictures
    assert sides(whole.info) == SIZE
    assert sides(small.info) == (14, 18)
    assert same(codec.decode(strip(data)), small)
    assert strip(data) == codec.encode(clip, Q, EncodeOptions(picture_checksums=True, layers="base"))


def test_a_real_clip_of_b_frames_is_sought(butterfly: Video) -> None:
    codec = narrow("brhvc", **GROUP)
    data = codec.encode(butterfly, Q, CHECKED)
    whole = codec.decode(data)
    assert [frame.kind for frame in stream_info(data).frames] == list("IIBBBP")
    assert codec.decode(data, DecodeOptions(start=3, frames=1))[0].same(whole[3])


@pytest.mark.slow
@pytest.mark.parametrize("size", [8, 32])
def test_foreman_in_b_frames_is_coded_and_sought_anywhere(foreman: Video, size: int) -> None:
    codec = narrow("brhvc", **{"gop.size": size, "gop.intra_period": 32})
    data = codec.encode(foreman, Q, CHECKED)
    whole = codec.decode(data)
    assert [one.pts for one in whole] == [one.pts for one in foreman]
    assert stream_info(data).delay == size - 1
    for start in (13, 31):
        part = codec.decode(data, DecodeOptions(start=start, frames=1))
        assert part[0].same(whole[start])


@pytest.mark.slow
def test_foreman_in_layers_loses_its_enhancement_and_stays_what_it_was(foreman: Video) -> None:
    codec = narrow("sevc", **{"gop.intra_period": 8})
    clip = Video(foreman.info, foreman.pictures[:12])
    data = codec.encode(clip, Q, CHECKED)
    whole, small = codec.decode(data), codec.decode(data, BASE)
    assert (sides(whole.info), sides(small.info)) == ((144, 176), (36, 44))
    assert same(codec.decode(strip(data)), small)
    for start in (5, 8, 11):
        for layers in ("all", "base"):
            options = DecodeOptions(start=start, frames=1, layers=layers)  # pyright: ignore
            assert codec.decode(data, options)[0].same((whole if layers == "all" else small)[start])


@pytest.mark.slow
@pytest.mark.parametrize("model", ["sevc", "brhvc"])
def test_a_real_clip_takes_the_bytes_that_were_estimated(model: str, foreman: Video) -> None:
    codec = narrow(model, **(GROUP if model == "brhvc" else {}))
    clip = Video(foreman.info, foreman.pictures[:5])
    with torch.inference_mode():
        estimated = codec.estimate(clip, float(Q)).bits
    info = stream_info(codec.encode(clip, Q))
    assert coded_bits(info) == pytest.approx(float(sum(one.sum() for one in estimated.values())), rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "layers"), [("sevc", ["all", "base"]), ("brhvc", ["all"])])
def test_streams_decode_to_the_bit_in_a_fresh_process(
    model: str, layers: list[Any], butterfly: Video, tmp_path: Path
) -> None:
    codec, path = narrow(model), tmp_path / "clip.nvc"
    path.write_bytes(codec.encode(butterfly, Q, CHECKED))
    expected = [
        hashlib.sha256(codec.decode(path, DecodeOptions(layers=one)).to_rgb().numpy().tobytes()).hexdigest()
        for one in layers
    ]
    tests = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", DECODE, tests, model, str(path), *layers]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split() == expected
