from dataclasses import replace
from fractions import Fraction
from itertools import islice
from math import exp
from pathlib import Path

import pytest
import torch

from nvczoo.codec.video import Video
from nvczoo.errors import SettingError, VideoError
from nvczoo.evaluate import anchors
from nvczoo.evaluate.anchors import AnchorSettings, AnchorStream, match_sizes
from nvczoo.evaluate.metrics import video_quality
from nvczoo.video import open_video
from nvczoo.video.picture import Picture, VideoInfo

both = pytest.mark.parametrize("encoder", ["x264", "x265"])
START_CODE = b"\x00\x00\x01"


def moving(count: int, width: int = 96, height: int = 64) -> Video:
    """Return a noisy pattern that moves to the right."""
    generator = torch.Generator().manual_seed(3)
    scene = torch.randint(60, 190, (height // 4 + 1, width // 4 + count), generator=generator)
    scene = scene.repeat_interleave(4, 0).repeat_interleave(4, 1).byte()
    chroma = torch.full(((height + 1) // 2, (width + 1) // 2), 120, dtype=torch.uint8)
    pictures = (Picture(scene[:height, at : at + width], chroma, chroma + 9) for at in range(count))
    return Video(VideoInfo(width, height, Fraction(25), Fraction(1, 25)), tuple(pictures))


def settings(encoder: str, **values: object) -> AnchorSettings:
    return AnchorSettings(encoder, **({"preset": "ultrafast"} | values))  # pyright: ignore


def nal_types(stream: AnchorStream, packet: int) -> list[int]:
    """Return the types of the NAL units, by H.264 7.3.1 and H.265 7.3.1.2."""
    first = [unit[0] for unit in stream.packets[packet].split(START_CODE)[1:]]
    return [byte & 31 if stream.settings.encoder == "x264" else byte >> 1 & 63 for byte in first]


@both
def test_an_anchor_decodes_to_what_was_encoded_up_to_its_loss(encoder: str) -> None:
    video = moving(6)
    fine, coarse = (anchors.encode(video, settings(encoder, rate=rate)) for rate in (12.0, 40.0))
    qualities = [video_quality(video, anchors.decode(stream)[0]).mean for stream in (fine, coarse)]
    assert fine.size > coarse.size
    assert qualities[0].psnr_611 > 40
    assert qualities[0].psnr_611 > qualities[1].psnr_611 + 3


def test_x264_gives_the_same_stream_each_time_whatever_was_in_memory_before(shared_data: Path) -> None:
    with open_video(shared_data / "eval" / "foreman_176x144.mkv") as reader:
        video = Video(reader.info, tuple(islice(reader, 6)))
    found = set()
    for run in range(300):  # one in a hundred was another one
        dirt = [bytes([run % 256]) * size for size in range(5_000, 400_000, 20_000)]
        del dirt
        stream = anchors.encode(video, settings("x264", preset="fast", rate=20.0, intra_period=4))
        found.add(stream.packets)
    assert len(found) == 1


@both
@pytest.mark.parametrize("size", [(97, 65), (98, 66)])
def test_sides_that_the_encoder_cannot_code_are_filled_and_cropped(
    encoder: str, size: tuple[int, int]
) -> None:
    video = moving(2, *size)
    pictures, _ = anchors.decode(anchors.encode(video, settings(encoder, rate=10.0)))
    assert [(one.width, one.height) for one in pictures] == [size, size]
    assert video_quality(video, pictures).mean.psnr_611 > 40


@both
def test_an_intra_frame_comes_every_period_and_nowhere_else(encoder: str) -> None:
    idr = 5 if encoder == "x264" else 20  # x265's IDR_N_LP; IDR_W_RADL, 19, counts too
    for period, expected in ((3, [0, 3, 6]), (-1, [0])):
        stream = anchors.encode(moving(8), settings(encoder, intra_period=period))
        found = [
            at for at in range(8) if {idr, idr if encoder == "x264" else 19} & set(nal_types(stream, at))
        ]
        assert found == expected


def test_svt_av1_is_an_anchor_without_delay_and_with_the_intra_period() -> None:
    video = moving(9)
    for period, intra in ((4, [0, 4, 8]), (-1, [0])):
        fine, coarse = (
            anchors.encode(video, settings("svtav1", preset="12", rate=rate, intra_period=period))
            for rate in (10.0, 50.0)
        )
        assert len(fine.packets) == len(video)
        assert [at for at, packet in enumerate(fine.packets) if b"\x0a" in packet[2:4]] == intra  # OBU 1
        qualities = [
            video_quality(video, anchors.decode(stream)[0]).mean.psnr_611 for stream in (fine, coarse)
        ]
        assert fine.size > coarse.size
        assert qualities[0] > max(40, qualities[1] + 3)


@both
def test_frames_come_out_in_the_order_they_went_in(encoder: str) -> None:
    video = moving(8)
    stream = anchors.encode(video, settings(encoder, preset="medium", rate=10.0))
    assert len(stream.packets) == 8
    assert min(one.psnr_y for one in video_quality(video, anchors.decode(stream)[0]).frames) > 38


def test_the_signature_of_x264_does_not_count() -> None:
    stream = anchors.encode(moving(2), settings("x264"))
    assert b"x264 - core" not in b"".join(stream.packets)
    assert nal_types(stream, 0) == [7, 8, 5]


def test_settings_say_everything_that_was_chosen() -> None:
    assert str(AnchorSettings("x265", rate=27.5, threads=2)) == (
        "libx265 preset=medium crf=27.5 tune=psnr x265-params=keyint=32:scenecut=0:bframes=0:open-gop=0:"
        "info=0:log-level=error:frame-threads=1:pools=2 threads=2"
    )
    assert str(AnchorSettings("x264", "veryslow", 30, "qp", -1, None)) == (
        "libx264 preset=veryslow qp=30 x264-params=keyint=infinite:scenecut=0:bframes=0:open-gop=0 threads=1"
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": 52.0}, "0 .best. to 51"),
        ({"rate": float("nan")}, "0 .best. to 51"),
        ({"intra_period": 0}, "intra period"),
        ({"threads": 0}, "threads"),
        ({"encoder": "x266"}, "x264, x265"),
        ({"encoder": "svtav1", "rate": 0.5}, "1 .best. to 63"),
    ],
)
def test_settings_out_of_range_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        AnchorSettings(**({"encoder": "x264"} | values))  # pyright: ignore


def test_an_unknown_preset_is_an_error_that_names_the_settings() -> None:
    with pytest.raises(VideoError, match="preset=sluggish"):
        anchors.encode(moving(1), settings("x264", preset="sluggish"))


@both
def test_the_size_is_matched_by_a_fraction_of_crf(encoder: str) -> None:
    video = moving(8)
    target = int(1.3 * anchors.encode(video, settings(encoder, rate=30.0)).size)
    tried: list[float] = []

    def encoding(one: AnchorSettings) -> AnchorStream:
        tried.append(one.rate)
        return anchors.encode(video, one)

    (found,) = match_sizes((target,), settings(encoder), encoding)
    assert found.size == pytest.approx(target, rel=0.03)  # so short a clip has few sizes
    assert len(tried) <= anchors.MAX_RUNS


def modelled(one: AnchorSettings) -> AnchorStream:
    """Return a stream whose size halves every five steps."""
    size = int(100_000 * exp(-one.rate / 5 * 0.69))
    return AnchorStream(one, moving(1).info, (b"x" * size,), 1.0)


def test_all_targets_in_reach_are_met_in_few_runs() -> None:
    tried: list[float] = []

    def encoding(one: AnchorSettings) -> AnchorStream:
        tried.append(one.rate)
        return modelled(one)

    targets = (2_000, 9_000, 40_000)
    found = match_sizes(targets, settings("x264"), encoding)
    assert [stream.size for stream in found] == [pytest.approx(target, rel=0.01) for target in targets]
    assert len(tried) <= 12
    assert len(set(tried)) == len(tried)


def test_a_target_out_of_reach_gets_the_nearest_there_is() -> None:
    smallest, largest = match_sizes((5, 10**7), settings("x264"), modelled)
    assert (smallest.settings.rate, largest.settings.rate) == (51, 0)


def test_sizes_with_a_gap_at_the_target_end_the_search() -> None:
    def gap(one: AnchorSettings) -> AnchorStream:
        return replace(modelled(one), packets=(b"x" * (3000 if one.rate < 21.3 else 1000),))

    (found,) = match_sizes((2000,), settings("x264"), gap)
    assert found.size in (1000, 3000)
