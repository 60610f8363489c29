from collections.abc import Callable
from itertools import islice
from math import exp
from pathlib import Path

import pytest

import nvczoo
from nvczoo.codec import EncodeOptions, Video
from nvczoo.codec.info import stream_info
from nvczoo.errors import SettingError, VideoError
from nvczoo.evaluate.metrics import video_quality
from nvczoo.evaluate.target_rate import MAX_PASSES, TOLERANCE, Kind, Target, encode_to_target
from nvczoo.video import open_video

CURVES: dict[str, Callable[[float], float]] = {
    "as usual": lambda q: 3e4 * exp(0.058 * q),
    "steep": lambda q: 2e3 * exp(0.11 * q),
    "flat at the top": lambda q: 1e5 * exp(0.08 * min(q, 50) + 0.02 * max(q - 50, 0)),
    "flat at the bottom": lambda q: 5e4 * exp(0.01 * min(q, 16) + 0.07 * max(q - 16, 0)),
    "bent": lambda q: 2e4 * (1 + q / 8) ** 2,
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("wanted_q", [1.0, 10.0, 25.0, 40.5, 55.0, 62.0])
def test_any_reasonable_curve_is_met_in_four_passes(name: str, wanted_q: float) -> None:
    curve = CURVES[name]
    target = Target("bitrate", curve(wanted_q))
    tried: dict[float, float] = {}
    while len(tried) < MAX_PASSES and (q := target.next_q(tried)) is not None:
        tried[q] = curve(q)
    assert min(abs(target.miss(value)) for value in tried.values()) <= TOLERANCE


@pytest.fixture(scope="module")
def codec() -> nvczoo.VideoCodec:
    return nvczoo.load("ev-nvc-s")


@pytest.mark.parametrize("kind", ["size", "psnr"])
def test_a_stream_has_what_was_wanted(
    kind: Kind, codec: nvczoo.VideoCodec, tiny_clip: Path, tmp_path: Path
) -> None:
    options = EncodeOptions(effort=1)  # what is searched for makes so small pictures 0.3 dB better or worse
    codec.encode_file(tiny_clip, tmp_path / "wanted.nvc", 40.0, options)
    info = stream_info(tmp_path / "wanted.nvc")
    with open_video(tiny_clip) as reader:
        quality = video_quality(reader, codec.decode(tmp_path / "wanted.nvc")).mean.psnr_611
    value = {"size": float(info.size), "psnr": quality}[kind]
    found = encode_to_target(
        codec, lambda: open_video(tiny_clip), tmp_path / "found.nvc", Target(kind, value), options
    )
    assert Target(kind, value).reached(found.value)
    assert found.passes <= MAX_PASSES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.nvc", "wanted.nvc"]
    assert stream_info(tmp_path / "found.nvc").size == found.file.size


def test_what_cannot_be_reached_leaves_no_file(
    codec: nvczoo.VideoCodec, tiny_clip: Path, tmp_path: Path
) -> None:
    for target in (Target("size", 50.0), Target("psnr", 99.0)):
        with pytest.raises(SettingError, match="out of reach: q"):
            encode_to_target(
                codec, lambda: open_video(tiny_clip), tmp_path / "a.nvc", target, EncodeOptions()
            )
    assert list(tmp_path.iterdir()) == []


def test_more_than_the_best_costs_is_the_best(
    codec: nvczoo.VideoCodec, tiny_clip: Path, tmp_path: Path
) -> None:
    target = Target("size", 1e6)
    found = encode_to_target(
        codec, lambda: open_video(tiny_clip), tmp_path / "a.nvc", target, EncodeOptions()
    )
    assert found.q == 63
    assert not target.reached(found.value)


def test_an_existing_file_is_kept(codec: nvczoo.VideoCodec, tiny_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "a.nvc").write_bytes(b"mine")
    with pytest.raises(VideoError, match="exists"):
        encode_to_target(
            codec, lambda: open_video(tiny_clip), tmp_path / "a.nvc", Target("size", 1e3), EncodeOptions()
        )
    assert (tmp_path / "a.nvc").read_bytes() == b"mine"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clip", "target"),
    [
        ("foreman_176x144", Target("bitrate", 150e3)),
        ("foreman_176x144", Target("psnr", 31.0)),
        ("carphone_176x144", Target("bpp", 0.1)),
        ("carphone_176x144", Target("size", 30e3)),
    ],
    ids=str,
)
def test_48_frames_are_within_three_per_cent_after_four_passes(
    clip: str, target: Target, codec: nvczoo.VideoCodec, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "eval" / f"{clip}.mkv"
    options = EncodeOptions(frames=48)
    found = encode_to_target(codec, lambda: open_video(path), tmp_path / "a.nvc", target, options)
    print(f"{clip}, {target}: {found.value:.6g} at q {found.q:.2f}, {found.passes} passes")
    assert found.passes <= MAX_PASSES
    assert target.reached(found.value)
    info = stream_info(tmp_path / "a.nvc")
    if target.kind == "psnr":
        with open_video(path) as reader:
            original = Video(reader.info, tuple(islice(reader, 48)))
        assert video_quality(original, codec.decode(tmp_path / "a.nvc")).mean.psnr_611 == pytest.approx(
            found.value, abs=1e-6
        )
    else:
        values = {"bitrate": info.video_bit_rate, "bpp": info.bits_per_pixel, "size": info.size}
        assert values[target.kind] == pytest.approx(target.value, rel=TOLERANCE)
