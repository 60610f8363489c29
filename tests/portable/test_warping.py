import pytest
import torch
from orders import every_order

from nvczoo.layers import warp
from nvczoo.portable import Grid, PortableWarp


def a_picture(batch: int = 2) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(batch, 3, 24, 30)


def a_flow(batch: int = 2, reach: float = 6.0) -> torch.Tensor:
    torch.manual_seed(1)
    return reach * torch.randn(batch, 2, 24, 30)


def test_no_order_changes_a_bit() -> None:
    both = torch.cat((a_picture(), a_flow()), dim=1)
    move = PortableWarp(Grid(14))
    expected = move(a_picture(), a_flow())
    for name, found in every_order(lambda x: move(x[:, :3], x[:, 3:]), both):
        assert torch.equal(found, expected), name


@pytest.mark.parametrize("reach", [0.3, 6.0, 100.0])
def test_it_is_the_float_warp_for_flows_on_its_grid(reach: float) -> None:
    flow = (a_flow(reach=reach) * 64).round() / 64
    found = PortableWarp(Grid(13))(a_picture(), flow)
    assert (found - warp(a_picture(), flow)).abs().max() < 4e-4  # weights have 12 bits


def test_what_is_flat_stays_so_and_nothing_leaves_the_grid() -> None:
    move = PortableWarp(Grid(15))
    flat = torch.full((1, 1, 8, 8), 0.40625)
    assert torch.equal(move(flat, a_flow(1)[..., :8, :8]), flat)
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = Grid(15).most / 2**15
    assert move(edge, torch.full((1, 2, 8, 8), 0.5)).max() <= Grid(15).most / 2**15


def test_weights_are_integers_and_rounded_once() -> None:
    picture = torch.tensor([[[[0.0, 1.0], [4.0, 9.0]]]])
    flow = torch.zeros(1, 2, 2, 2)
    flow[0, :, 0, 0] = torch.tensor([0.25, 0.75])  # right, down
    moved = PortableWarp(Grid(0), subpixel=2)(picture, flow)
    # (0 * 3 * 1 + 1 * 1 * 1 + 4 * 3 * 3 + 9 * 1 * 3) / 16 = 4
    assert moved[0, 0, 0, 0] == 4.0
    assert moved[0, 0, 1, 1] == 9.0


@pytest.mark.parametrize("far", [1e4, 1e30, -1e30])
def test_coordinates_stop_at_the_border_however_far_the_flow_goes(far: float) -> None:
    picture = Grid(14).settle(a_picture())
    moved = PortableWarp(Grid(14))(picture, torch.full((2, 2, 24, 30), far))
    corner = picture[..., -1:, -1:] if far > 0 else picture[..., :1, :1]
    assert torch.equal(moved, corner.expand_as(picture))
