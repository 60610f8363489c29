import base64
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from toy import toy_pictures

from nvczoo.codec.video import RGB_COLOUR, Video, evenly, open_any
from nvczoo.errors import SettingError, ShapeError
from nvczoo.video import Picture, VideoInfo, open_video
from nvczoo.video.png import png

INFO = VideoInfo(22, 18, Fraction(30000, 1001), Fraction(1001, 30000))


def timed(count: int) -> tuple[Picture, ...]:
    return tuple(replace(picture, pts=at) for at, picture in enumerate(toy_pictures(count)))


def test_rgb_tensors_and_arrays_are_the_same_video() -> None:
    rgb = torch.randint(0, 256, (3, 3, 18, 22), dtype=torch.uint8)
    array = rgb.permute(0, 2, 3, 1).numpy()
    one, other = list(open_any(rgb)), list(open_any(array))
    assert len(one) == 3
    assert all(left.same(right) for left, right in zip(one, other, strict=True))
    assert open_any(rgb).info.colour == RGB_COLOUR
    assert open_any(rgb).info.frame_count == 3


def test_smooth_rgb_survives_the_way_to_pictures_and_back() -> None:
    row, column = np.mgrid[0:16, 0:16]
    array = np.stack((row * 8, column * 8, row * 4 + column * 4), -1)[None].astype(np.uint8) + 60
    reader = open_any(array)
    video = Video(reader.info, tuple(reader))
    assert video.to_numpy().shape == array.shape
    assert np.abs(video.to_numpy().astype(int) - array).max() <= 12
    assert video.to_rgb().shape == (1, 3, 16, 16)


def test_info_tells_what_arrays_cannot() -> None:
    rgb = torch.zeros(2, 3, 18, 22, dtype=torch.uint8)
    assert open_any(rgb, INFO).info.frame_rate == INFO.frame_rate
    assert open_any(rgb).info.frame_rate == 25
    assert open_any(toy_pictures(1), INFO).info == INFO


def test_pictures_may_come_one_by_one() -> None:
    def source() -> Iterator[Picture]:
        yield from toy_pictures(3)

    reader = open_any(source())
    assert (reader.info.width, reader.info.height) == (22, 18)
    assert len(list(reader)) == 3


def test_a_video_is_a_sequence_of_pictures_and_keeps_its_info() -> None:
    video = Video(INFO, timed(3))
    assert len(video) == len(list(video)) == 3
    assert video[1].pts == 1
    assert open_any(video).info == INFO


def test_saved_videos_read_back_to_the_bit(tmp_path: Path) -> None:
    video = Video(INFO, timed(3))
    video.save(tmp_path / "clip.y4m")
    with open_video(tmp_path / "clip.y4m") as reader:
        assert all(one.same(other) for one, other in zip(reader, video, strict=True))
    with pytest.raises(Exception, match="exists already"):
        video.save(tmp_path / "clip.y4m")
    video.save(tmp_path / "clip.y4m", overwrite=True)


@pytest.mark.parametrize(
    "video",
    [
        torch.zeros(2, 3, 4, 4),
        torch.zeros(2, 4, 4, 3, dtype=torch.uint8),
        torch.zeros(3, 4, 4, dtype=torch.uint8),
        torch.zeros(0, 3, 4, 4, dtype=torch.uint8),
        np.zeros((2, 3, 4, 4), np.uint8),
        np.zeros((2, 4, 4, 3)),
    ],
    ids=lambda video: f"{video.dtype} {tuple(video.shape)}",
)
def test_arrays_of_another_shape_or_type_are_refused(video: object) -> None:
    with pytest.raises(ShapeError, match="uint8"):
        open_any(video)


@pytest.mark.parametrize("video", [7, None, [], [1, 2]], ids=str)
def test_other_things_are_no_video(video: object) -> None:
    with pytest.raises(SettingError, match="give"):
        open_any(video)


def test_a_list_with_something_else_in_it_names_the_place() -> None:
    with pytest.raises(SettingError, match="Item 1 of the video is a str"):
        list(open_any([*toy_pictures(1), "picture"]))


def test_a_notebook_shows_some_frames_of_a_video_as_its_matrix_says(tiny_video: Video) -> None:
    html = tiny_video._repr_html_()
    first = base64.b64encode(png(tiny_video.to_rgb()[0])).decode("ascii")
    assert html.count("<img ") == 4
    assert first in html
    assert repr(tiny_video) == "Video(4 pictures of 64x48)"


@pytest.mark.parametrize(
    ("count", "wanted", "expected"), [(0, 4, []), (1, 4, [0]), (3, 1, [0]), (10, 4, [0, 3, 6, 9])]
)
def test_shown_frames_reach_from_the_first_to_the_last(count: int, wanted: int, expected: list[int]) -> None:
    assert evenly(count, wanted) == expected
