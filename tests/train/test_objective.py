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
    rgb,
)
from nvczoo.video.colour import BT709_FULL, doubled, rgb_image
from nvczoo.video.distortion import mse_611


def picture(seed: int = 0, side: int = 8) -> torch.Tensor:
    return torch.rand(2, 6, side, side, generator=torch.Generator().manual_seed(seed)) * 0.4 + 0.3


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
