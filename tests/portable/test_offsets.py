import torch
from orders import every_order
from torch import nn

from nvczoo.layers.offset_diversity import OffsetDiversity
from nvczoo.portable import portable, watched
from nvczoo.portable.decoding import reached_by
from nvczoo.portable.offsets import PortableOffsets

CHANNELS, SIDES = 8, 13


class Align(nn.Module):
    """An offset diversity whose three inputs stand side by side."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.align = OffsetDiversity(CHANNELS, SIDES, 16).eval().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features, side, flow = x.split((CHANNELS, SIDES, 2), dim=1)
        return self.align(features.contiguous(), side, 4 * flow)


def inputs() -> torch.Tensor:
    torch.manual_seed(1)
    smooth = nn.functional.interpolate(torch.randn(2, CHANNELS + SIDES + 2, 6, 8), scale_factor=4)
    return nn.functional.avg_pool2d(smooth, 5, 1, 2)


def a_portable_network() -> Align:
    network = Align()
    with torch.no_grad(), watched(network) as ranges:
        network(inputs())
    portable(network, ranges, reached_by(network, lambda: network(inputs())))
    assert isinstance(network.align, PortableOffsets)
    return network


def test_diverse_offsets_on_grids_are_near_the_float_ones() -> None:
    expected, found = Align()(inputs()), a_portable_network()(inputs())
    assert -10 * ((found - expected).square().mean() / expected.square().mean()).log10() > 35


def test_no_order_changes_a_bit() -> None:
    network = a_portable_network()
    expected = network(inputs())
    for name, found in every_order(network, inputs()):
        assert torch.equal(found, expected), name
