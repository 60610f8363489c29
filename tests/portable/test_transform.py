import pytest
import torch
from orders import assert_same_in_every_order
from torch import nn

from nvczoo.errors import SettingError
from nvczoo.layers import ResidualBlock, conv3, double
from nvczoo.portable import Reached, WeightBits, portable, watched
from nvczoo.portable.decoding import reached_by


def a_network() -> nn.Sequential:
    torch.manual_seed(0)
    start = (conv3(6, 16, stride=2), ResidualBlock(16), nn.LeakyReLU())
    return nn.Sequential(*start, double(16, 8), nn.ReLU(), conv3(8, 6)).eval().requires_grad_(False)


def clips() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(2, 6, 16, 24)


def all_of(network: nn.Module) -> Reached:
    return reached_by(network, lambda: network(clips()))


def transformed(bits: int = 16) -> nn.Module:
    network = a_network()
    with watched(network) as ranges:
        network(clips())
    return portable(network, ranges, all_of(network), WeightBits(bits))


@pytest.mark.parametrize(("bits", "decibels"), [(16, 60), (8, 30)])
def test_the_portable_network_is_close_to_the_float_one(bits: int, decibels: float) -> None:
    expected = a_network()(clips())
    loss = (transformed(bits)(clips()) - expected).square().mean() / expected.square().mean()
    assert -10 * loss.log10() > decibels


def test_no_order_changes_a_bit_of_a_portable_network() -> None:
    assert_same_in_every_order(transformed(), clips())


def test_examples_beyond_the_calibrated_range_are_portable_too() -> None:
    assert_same_in_every_order(transformed(), 1000 * clips())


def test_a_module_that_no_example_reached_is_named() -> None:
    network = a_network()
    with watched(network) as ranges:
        network[0](clips())
    with pytest.raises(SettingError, match="No example reached '1"):
        portable(network, ranges, all_of(network))


def test_a_module_without_a_portable_form_is_named() -> None:
    network = nn.Sequential(nn.Identity(), nn.Softmax(dim=1))
    with pytest.raises(SettingError, match="'1' is a Softmax"):
        portable(network, {}, all_of(network))
