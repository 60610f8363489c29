"""VVenC by a real ffmpeg, where there is one."""

import pytest
from test_anchors import moving

from nvczoo.errors import SettingError, VideoError
from nvczoo.evaluate.contenders import CodingSetting, anchor_contender
from nvczoo.evaluate.ffmpeg import find_ffmpeg
from nvczoo.evaluate.metrics import video_quality
from nvczoo.evaluate.vvenc import VvencEncoder


def real_ffmpeg(feature: str) -> str:
    """Return an ffmpeg, or skip."""
    try:
        return find_ffmpeg(feature)
    except SettingError as error:
        pytest.skip(str(error))


def encoder() -> VvencEncoder:
    return VvencEncoder(real_ffmpeg("libvvenc"), "faster")


@pytest.mark.parametrize("size", [(96, 64), (97, 65)])
def test_vvenc_codes_pictures_of_any_size_better_at_a_lower_qp(size: tuple[int, int]) -> None:
    video = moving(5, *size)
    fine, coarse = (encoder().code(video, qp, CodingSetting(4)) for qp in (20.0, 45.0))
    qualities = [video_quality(video, coded.pictures).mean.psnr_611 for coded in (fine, coarse)]
    assert fine.size > coarse.size
    assert qualities[0] > 38
    assert qualities[0] > qualities[1] + 3
    assert sum(frame.bits or 0 for frame in fine.frames) == 8 * fine.size


@pytest.mark.parametrize(("period", "intra"), [(4, [0, 4, 8]), (-1, [0])])
def test_intra_frames_are_where_the_run_wants_them(period: int, intra: list[int]) -> None:
    coded = encoder().code(moving(10), 40.0, CodingSetting(period))
    assert [number for number, frame in enumerate(coded.frames) if frame.intra] == intra
    assert "PicReordering=0" in coded.settings
    assert "decoded by libav" in coded.proof


@pytest.mark.parametrize("text", ["vvenc-quick", "vvenc@22.5", "vvenc@64"])
def test_a_preset_or_qp_that_vvenc_has_not_is_refused(text: str) -> None:
    real_ffmpeg("libvvenc")
    with pytest.raises(SettingError, match="vvenc"):
        anchor_contender(text)


def test_what_fails_is_told() -> None:
    with pytest.raises(VideoError, match="vvenc-medium failed"):
        VvencEncoder("false").code(moving(1), 40.0, CodingSetting())
