import pytest
import torch
from torch import nn

from nvczoo.layers import ResidualBlock, conv3
from nvczoo.layers.residual import ActivatedResidual
from nvczoo.portable import WeightBits, portable, watched
from nvczoo.portable.decoding import reached_by
from nvczoo.portable.equalisation import equalise, pairs

LOUD, SILENT = 1, 2  # channels


def a_network() -> nn.Sequential:
    """Return blocks whose inner channels differ a thousandfold in width; one is never more than zero."""
    torch.manual_seed(0)
    head = conv3(4, 8)
    network = nn.Sequential(head, nn.LeakyReLU(), conv3(8, 8), ResidualBlock(8), ActivatedResidual(8))
    for first, second in ((head, network[2]), *((one.conv1, one.conv2) for one in network[3:])):
        with torch.no_grad():
            first.weight[LOUD] *= 1000
            second.weight[:, LOUD] /= 1000
            first.weight[SILENT] = 0
            first.bias[SILENT] = 0
    return network.eval().requires_grad_(False)


def examples() -> torch.Tensor:
    return torch.rand(2, 4, 16, 16, generator=torch.Generator().manual_seed(1)) - 0.5


def equalised() -> tuple[nn.Sequential, int]:
    network = a_network()
    reached = reached_by(network, lambda: network(examples()))
    return network, equalise(network, reached.modules, lambda: network(examples()))


def test_the_network_computes_the_same_to_the_bit() -> None:
    network, count = equalised()
    assert count == 3
    assert torch.equal(network(examples()), a_network()(examples()))
    assert not torch.equal(network[0].weight, a_network()[0].weight)  # pyright: ignore


def test_channels_are_as_wide_as_the_others_afterwards() -> None:
    found = []
    for network in (a_network(), equalised()[0]):
        inner = network[:2](examples()).abs().amax((0, 2, 3))
        found.append(float(inner[LOUD] / inner[inner > 0].median()))
    assert found[0] > 500
    assert found[1] < 60


@pytest.mark.parametrize("bits", [8, 12])
def test_less_is_lost_on_the_way_to_integers(bits: int) -> None:
    errors = []
    for network in (a_network(), equalised()[0]):
        expected = network(examples())
        with watched(network) as ranges:
            network(examples())
        reached = reached_by(network, lambda network=network: network(examples()))
        found = portable(network, ranges, reached, WeightBits(bits))(examples())
        errors.append(float((found - expected).square().mean()))
    assert errors[1] < errors[0] / 4


def test_what_decoding_does_not_reach_or_others_see_is_left_alone() -> None:
    network = a_network()
    assert equalise(network, frozenset(), lambda: network(examples())) == 0
    assert torch.equal(network[0].weight, a_network()[0].weight)  # pyright: ignore
    grouped = nn.Sequential(conv3(4, 8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8), nn.Sigmoid(), conv3(8, 4))
    assert not list(pairs(grouped))
