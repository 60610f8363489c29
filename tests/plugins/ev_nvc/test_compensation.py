import pytest
import torch
from nvczoo.plugins.ev_nvc.compensation import OverlappedWarp
from torch import Tensor

from nvczoo.interfaces import Layout

LAYOUTS: tuple[tuple[Layout, int], ...] = (("packed420", 6), ("yuv444", 3), ("rgb", 3))


def picture(channels: int, height: int = 32, width: int = 48) -> Tensor:
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(1))


def field_for(image: Tensor, warp: OverlappedWarp) -> Tensor:
    """Return displacements that move nothing."""
    height, width = (side // warp.side for side in image.shape[-2:])
    return torch.zeros(len(image), 2, height, width)


@pytest.mark.parametrize(("layout", "channels"), LAYOUTS)
def test_without_motion_the_picture_comes_back(layout: Layout, channels: int) -> None:
    warp, image = OverlappedWarp(layout), picture(channels)
    assert torch.allclose(warp(image, field_for(image, warp)), image, atol=2e-5)


@pytest.mark.parametrize(("layout", "channels"), LAYOUTS)
def test_where_all_move_alike_the_whole_picture_moves(layout: Layout, channels: int) -> None:
    warp, image = OverlappedWarp(layout), picture(channels)
    field = field_for(image, warp)
    field[:, 0], field[:, 1] = 4.0, -2.0  # samples of luma: two and one places of packed pictures
    spacing = warp.grid.spacing
    right, down = 4 // spacing, -2 // spacing
    moved = warp(image, field)
    expected = image.roll((-down, -right), (2, 3))
    assert torch.allclose(moved[..., 4:-8, 4:-8], expected[..., 4:-8, 4:-8], atol=2e-5)


def test_a_block_fades_into_its_neighbours() -> None:
    """Brightness stands for place: what is fetched tells the mean displacement."""
    warp = OverlappedWarp("yuv444")
    image = (torch.arange(64.0) / 64).expand(1, 3, 32, 64)
    field = torch.zeros(1, 2, 4, 8)
    field[..., 4:] = 0
    field[:, 0, :, 4:] = 8.0
    moved = (warp(image, field) - image)[0, 0, 16] * 64
    assert torch.allclose(moved[8:28], torch.zeros(20), atol=1e-3)
    assert torch.allclose(moved[36:52], torch.full((16,), 8.0), atol=1e-3)
    between = moved[28:36]
    assert (between[1:] >= between[:-1] - 1e-3).all()
    assert 0 < between[0] < between[-1] < 8


def test_flows_are_what_blocks_move_by() -> None:
    warp, field = OverlappedWarp("packed420"), torch.randn(1, 2, 3, 4)
    flow = warp.flow(field)
    assert flow.shape == (1, 2, 12, 16)
    assert torch.equal(flow[..., 1::4, 2::4], field / 2)
