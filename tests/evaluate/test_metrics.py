from math import log10

import pytest
import pytorch_msssim
import torch
from torch import Tensor

from nvczoo.errors import ShapeError
from nvczoo.evaluate.metrics import (
    MS_SSIM_MIN_SIDE,
    PSNR_CAP,
    FrameQuality,
    VideoQuality,
    frame_quality,
    ms_ssim,
    psnr,
    video_quality,
)
from nvczoo.video.picture import Picture


def plane(height: int, width: int, seed: int = 0) -> Tensor:
    """Return structure at several scales with some noise."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None, :]
    waves = 60 * torch.sin(rows / 17) + 40 * torch.cos(columns / 7 + rows / 31)
    noise = torch.randn(height, width, generator=generator) * 4
    return (128 + waves + noise).clamp(0, 255).byte()


def damaged(original: Tensor, strength: float, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(original.shape, generator=generator) * strength
    return (original + noise).clamp(0, 255).byte()


def picture(luma: int, chroma: tuple[int, int], side: int = 8) -> Picture:
    small = torch.full((side // 2, side // 2), 0, dtype=torch.uint8)
    return Picture(torch.full((side, side), luma, dtype=torch.uint8), small + chroma[0], small + chroma[1])


def test_psnr_is_that_of_the_mean_square_error() -> None:
    original, decoded = torch.zeros(4, 4, dtype=torch.uint8), torch.full((4, 4), 5, dtype=torch.uint8)
    assert psnr(original, decoded) == pytest.approx(10 * log10(255**2 / 25))


def test_psnr_sums_a_large_plane_exactly() -> None:
    black = torch.zeros(4352, 8192, dtype=torch.uint8)
    assert psnr(black, black + 255) == 0.0


def test_identical_planes_have_the_capped_psnr() -> None:
    assert psnr(plane(16, 16), plane(16, 16)) == PSNR_CAP


def test_one_wrong_sample_in_a_huge_plane_stays_below_the_cap() -> None:
    original = torch.zeros(1080, 1920, dtype=torch.uint8)
    decoded = original.clone()
    decoded[0, 0] = 1
    assert psnr(original, decoded) == PSNR_CAP  # 111 dB without it
    decoded[0, 0] = 255
    assert psnr(original, decoded) < PSNR_CAP


def test_psnr_611_weighs_the_psnr_of_the_planes() -> None:
    assert FrameQuality(40, 42, 46).psnr_611 == (6 * 40 + 42 + 46) / 8


def test_a_video_has_the_mean_of_its_frames_psnr() -> None:
    original = [picture(100, (90, 90)), picture(100, (90, 90))]
    decoded = [picture(101, (91, 92)), picture(110, (92, 94))]
    quality = video_quality(original, decoded)
    alone = [frame_quality(a, b) for a, b in zip(original, decoded, strict=True)]
    assert quality.frames == tuple(alone)
    assert quality.mean.psnr_y == pytest.approx((alone[0].psnr_y + alone[1].psnr_y) / 2)
    assert quality.mean.psnr_611 == pytest.approx((alone[0].psnr_611 + alone[1].psnr_611) / 2)


@pytest.mark.parametrize("size", [(176, 208), (288, 352), (161, 163), (270, 479)])
@pytest.mark.parametrize("strength", [2.0, 25.0, 120.0])
def test_ms_ssim_is_that_of_pytorch_msssim(size: tuple[int, int], strength: float) -> None:
    original = plane(*size)
    decoded = damaged(original, strength)
    images = (one[None, None].double() for one in (original, decoded))
    reference = float(pytorch_msssim.ms_ssim(*images, data_range=255))
    assert ms_ssim(original, decoded) == pytest.approx(
        reference, rel=1e-5
    )  # its window and weights are float32


def test_ms_ssim_counts_a_negative_factor_as_nothing() -> None:
    original = plane(176, 176)
    assert ms_ssim(original, 255 - original) == 0.0


def test_ms_ssim_of_identical_planes_is_one() -> None:
    assert ms_ssim(plane(176, 176), plane(176, 176)) == pytest.approx(1)


def test_a_picture_too_small_for_five_scales_has_no_ms_ssim() -> None:
    for side, expected in ((MS_SSIM_MIN_SIDE + 1, True), (MS_SSIM_MIN_SIDE - 1, False)):
        quality = frame_quality(picture(9, (9, 9), side), picture(8, (9, 9), side))
        assert (quality.ms_ssim is not None) is expected
    with pytest.raises(ShapeError, match="five scales"):
        ms_ssim(plane(160, 400), plane(160, 400))
    assert VideoQuality((FrameQuality(1, 1, 1, 0.5), FrameQuality(1, 1, 1))).mean.ms_ssim is None


@pytest.mark.parametrize("count", [(2, 1), (1, 2), (0, 0)])
def test_videos_of_different_length_are_not_compared(count: tuple[int, int]) -> None:
    original, decoded = ([picture(1, (1, 1))] * one for one in count)
    with pytest.raises(ShapeError):
        video_quality(original, decoded)


def test_planes_of_different_size_or_type_are_not_compared() -> None:
    with pytest.raises(ShapeError, match="one size"):
        psnr(plane(8, 8), plane(8, 10))
    with pytest.raises(ShapeError, match="uint8"):
        psnr(plane(8, 8), plane(8, 8).float())
