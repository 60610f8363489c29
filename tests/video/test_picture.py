import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from video_clips import make_clip, make_info

from nvczoo.errors import SettingError, ShapeError
from nvczoo.video import Colour, Picture
from nvczoo.video.picture import MAX_PIXELS, MAX_SIDE
from nvczoo.video.png import png


def test_chroma_of_odd_sizes_is_rounded_up() -> None:
    picture = make_clip(35, 17, 1)[0]

    assert picture.u.shape == (9, 18)
    assert (picture.width, picture.height) == (35, 17)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((9, 17), torch.uint8), ((8, 18), torch.uint8), ((9, 18), torch.int16)]
)
def test_planes_that_are_not_8_bit_420_are_refused(shape: tuple[int, int], dtype: torch.dtype) -> None:
    picture = make_clip(35, 17, 1)[0]

    with pytest.raises(ShapeError, match="Plane v"):
        Picture(picture.y, picture.u, torch.zeros(shape, dtype=dtype))


def test_pictures_are_the_same_only_with_equal_samples_and_times() -> None:
    picture, other = make_clip(16, 16, 2)

    assert picture.same(make_clip(16, 16, 1)[0])
    assert not picture.same(replace(other, pts=picture.pts))
    assert not picture.same(replace(picture, pts=7))


@pytest.mark.parametrize(
    "values",
    [
        {"width": 0},
        {"height": MAX_SIDE + 1},
        {"height": MAX_PIXELS // MAX_SIDE + 1},
        {"frame_rate": Fraction(0)},
        {"time_base": Fraction(-1, 25)},
        {"sample_aspect": Fraction(1, 1 << 31)},
        {"frame_rate": Fraction(100_001)},
    ],
)
def test_what_no_video_has_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        replace(make_info(MAX_SIDE, 16), **values)


def test_code_points_outside_h273_are_refused() -> None:
    with pytest.raises(SettingError, match="matrix is 256"):
        Colour(matrix=256)
    with pytest.raises(SettingError, match="chroma_location is 6"):
        Colour(chroma_location=6)


def test_the_nominal_duration_is_in_units_of_the_time_base() -> None:
    info = make_info(16, 16, Fraction(30000, 1001), time_base=Fraction(1, 90000))

    assert info.frame_duration == 3003


def test_importing_the_room_does_not_load_pyav() -> None:
    code = "import sys, nvczoo.video; sys.exit('av' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_notebook_shows_a_picture() -> None:
    grey = Picture(*(torch.full(shape, 126, dtype=torch.uint8) for shape in ((2, 4), (1, 2), (1, 2))))
    grey = Picture(grey.y, grey.u + 2, grey.v + 2)  # luma in the middle of limited range, no colour
    assert grey._repr_png_() == png(torch.full((3, 2, 4), 128, dtype=torch.uint8))
    assert repr(grey) == "Picture(4x2, pts=None)"
