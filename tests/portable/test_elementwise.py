import pytest
import torch
from torch import nn

from nvczoo.errors import SettingError
from nvczoo.layers.depthwise import depthwise_block, gated_block
from nvczoo.portable import Grid, portable, watched
from nvczoo.portable.certificate import certified
from nvczoo.portable.decoding import reached_by
from nvczoo.portable.elementwise import PortablePlus, PortableTimes
from nvczoo.portable.held import Held


def test_sums_and_products_are_rounded_once_however_far_their_grids_are_apart() -> None:
    a, b = torch.tensor([30000.0, -2.5]), torch.tensor([2.0**-20, 1.5])
    assert PortablePlus(Grid(4, bits=20))(a, b).tolist() == [30000.0, -1.0]
    assert PortableTimes(Grid(1))(a, b).tolist() == [0.0, -4.0]  # 3.75, half a step off, to the even one


def test_what_float64_does_not_hold_is_refused() -> None:
    far, near = Held(-20, 1 << 15), Held(20, 1 << 15)
    with pytest.raises(SettingError, match="A sum can reach"):
        PortablePlus(Grid(0)).accept(far, near)
    PortableTimes(Grid(0)).accept(far, near)
    with pytest.raises(SettingError, match="A product can reach"):
        PortableTimes(Grid(0)).accept(Held(0, 1 << 30), Held(0, 1 << 30))


@pytest.mark.parametrize(
    ("held", "reason"), [(None, "it takes numbers that no"), (Held(-20, 1 << 15), "A sum")]
)
def test_a_certificate_shows_a_sum_what_it_is_given(held: Held | None, reason: str) -> None:
    network = nn.ModuleList([PortablePlus(Grid(0))])
    first, second = torch.ones(1), torch.ones(1)
    with certified(network) as certificate:
        certificate.hold(first, Held(20, 1 << 15))
        if held is not None:
            certificate.hold(second, held)
        with pytest.raises(SettingError, match=f"'0' has no proof: {reason}"):
            network[0](first, second)


@pytest.mark.parametrize("make", [depthwise_block, gated_block])
def test_blocks_that_write_over_their_input_are_near_the_float_ones(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(make(8, 16), make(16, 16)).eval().requires_grad_(False)
    x = 3 * torch.randn(1, 8, 16, 16)
    with torch.no_grad(), watched(network) as ranges:
        expected = network(x)
    made = portable(network, ranges, reached_by(network, lambda: network(x)))
    loss = (made(x) - expected).square().mean() / expected.square().mean()
    assert -10 * loss.log10() > 50
