import pytest
import torch

from nvczoo.layers import LAYOUTS, double_flow, halve_flow, warp


def smooth(height: int, width: int, channels: int = 3) -> torch.Tensor:
    torch.manual_seed(0)
    coarse = torch.rand(1, channels, height // 8, width // 8)
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def test_no_motion_changes_nothing() -> None:
    image = smooth(32, 48)
    assert torch.allclose(warp(image, torch.zeros(1, 2, 32, 48)), image, atol=1e-5)


@pytest.mark.parametrize(("right", "down"), [(3, 0), (0, -2), (-5, 4)])
def test_whole_pixels_are_fetched_from_where_the_flow_points(right: int, down: int) -> None:
    image = smooth(32, 48)
    flow = torch.tensor([right, down], dtype=torch.float32).view(1, 2, 1, 1).expand(1, 2, 32, 48)
    moved = warp(image, flow)
    inside = (slice(None), slice(None), slice(8, 24), slice(8, 40))
    assert torch.allclose(moved[inside], torch.roll(image, (-down, -right), (2, 3))[inside], atol=1e-4)


def test_coordinates_stop_at_the_border() -> None:
    image = smooth(16, 16)
    far = torch.full((1, 2, 16, 16), 100.0)
    assert torch.allclose(warp(image, far), image[..., -1:, -1:].expand_as(image), atol=1e-5)


def test_doubling_then_halving_keeps_a_smooth_flow() -> None:
    flow = torch.full((1, 2, 8, 8), 3.0)
    assert torch.equal(double_flow(flow), torch.full((1, 2, 16, 16), 6.0))
    assert torch.equal(halve_flow(double_flow(flow)), flow)


def test_packed_pictures_move_as_their_luma_does() -> None:
    luma, chroma = smooth(32, 32, 1), smooth(16, 16, 2)
    packed = torch.cat((torch.nn.functional.pixel_unshuffle(luma, 2), chroma), dim=1)
    flow = torch.tensor([0.5, 0.0]).view(1, 2, 1, 1).expand(1, 2, 16, 16)  # one luma sample
    moved = LAYOUTS["packed420"].warp(packed, flow)
    expected = torch.roll(luma, -1, 3)
    found = torch.nn.functional.pixel_shuffle(moved[:, :4], 2)
    assert torch.allclose(found[..., 4:28], expected[..., 4:28], atol=1e-4)


def test_half_precision_images_are_sampled_at_full_precision_places() -> None:
    image = smooth(64, 512)
    flow = torch.full((1, 2, 64, 512), 1.0)
    exact, rough = warp(image, flow), warp(image.bfloat16(), flow)
    assert rough.dtype == torch.bfloat16
    assert (exact - rough.float()).abs().max() < 0.01
