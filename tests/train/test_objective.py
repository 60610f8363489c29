from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from nvczoo.evaluate import metrics
from nvczoo.interfaces import Layout
from nvczoo.train.objective import (
    MS_SSIM_SCALE,
    as_layout,
    balanced,
    distortion,
    ms_ssim,
    mse_611,
    mse_of_psnr_611,
    plane_errors,
    rgb,
)
from nvczoo.video.colour import BT709_FULL, doubled, rgb_image


def picture(seed: int = 0, side: int = 8) -> torch.Tensor:
    return torch.rand(2, 6, side, side, generator=torch.Generator().manual_seed(seed)) * 0.4 + 0.3


def test_the_mse_is_weighed_six_to_one_to_one() -> None:
    grey = torch.zeros(1, 6, 4, 4)
    only_luma, only_u = grey.clone(), grey.clone()
    only_luma[:, :4], only_u[:, 4] = 1 / 255, 1 / 255
    assert mse_611(only_luma, grey).item() == pytest.approx(6 / 8)
    assert mse_611(only_u, grey).item() == pytest.approx(1 / 8)


def test_the_mse_of_psnr_has_the_psnr_that_is_measured() -> None:
    one, other = picture(0), picture(1)
    planes = [10 * torch.log10(255**2 / errors) for errors in plane_errors(one, other, "packed420").T]
    measured = (6 * planes[0] + planes[1] + planes[2]) / 8
    assert torch.allclose(10 * torch.log10(255**2 / mse_of_psnr_611(one, other)), measured, atol=1e-4)


@pytest.mark.parametrize("measure", [mse_611, mse_of_psnr_611])
def test_distortions_are_float32_in_mixed_precision(measure: Callable[..., torch.Tensor]) -> None:
    wanted = measure(picture(0), picture(1))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(measure(picture(0), picture(1)), wanted)


def test_exact_pictures_have_a_gradient_by_psnr_as_well() -> None:
    decoded = picture().requires_grad_()
    mse_of_psnr_611(decoded, picture()).sum().backward()
    assert decoded.grad is not None
    assert decoded.grad.isfinite().all()


@pytest.mark.parametrize("layout", ["packed420", "yuv444", "rgb"])
def test_the_distortion_is_the_same_in_every_layout(layout: Layout) -> None:
    one, other = 0.2 * picture(0) + 0.4, 0.2 * picture(1) + 0.4  # well inside the gamut of RGB
    wanted = mse_611(one, other)
    assert torch.allclose(
        mse_611(as_layout(one, layout), as_layout(other, layout), layout), wanted, rtol=1e-3
    )


def test_rgb_is_what_the_border_of_the_codec_makes_of_it() -> None:
    packed = picture()
    full = torch.cat((F.pixel_shuffle(packed[:, :4], 2), doubled(packed[:, 4:])), 1)
    assert torch.allclose(rgb(packed, "packed420"), rgb_image(full, BT709_FULL))


def test_ms_ssim_is_that_of_the_evaluation() -> None:
    generator = torch.Generator().manual_seed(0)
    original = torch.randint(0, 256, (176, 176), generator=generator).byte()
    decoded = (original.int() + torch.randint(-20, 21, (176, 176), generator=generator)).clamp(0, 255).byte()
    mine = ms_ssim(decoded[None, None] / 255, original[None, None] / 255)
    assert mine.item() == pytest.approx(metrics.ms_ssim(original, decoded), abs=1e-5)


@pytest.mark.parametrize("colour", ["yuv", "rgb"])
def test_one_minus_ms_ssim_can_be_minimised(colour: str) -> None:
    original = picture(side=88)
    decoded = (original + 0.1 * picture(1, 88)).requires_grad_()
    cost = distortion(decoded, original, "packed420", "ms-ssim", colour).sum()  # pyright: ignore
    cost.backward()
    assert 0 < cost.item() < 2 * MS_SSIM_SCALE
    assert decoded.grad is not None
    assert decoded.grad.isfinite().all()
    assert decoded.grad.abs().sum() > 0


def test_neither_end_of_the_rates_drowns_the_other() -> None:
    low_lagrangian, high_lagrangian = torch.tensor([0.0002]), torch.tensor([0.2])
    low = balanced(0.02 + low_lagrangian * 100.0, low_lagrangian)
    high = balanced(1.0 + high_lagrangian * 5.0, high_lagrangian)
    assert 0.2 < low / high < 5
