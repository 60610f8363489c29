from collections.abc import Callable

import pytest
import torch

from nvczoo.video.distortion import mse_611, mse_of_psnr_611, plane_errors


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
