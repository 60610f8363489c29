"""Gradients through layers of integers."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from nvczoo.layers import ResidualBlock
from nvczoo.portable.activations import PortableLeakyReLU
from nvczoo.portable.blocks import PortableResidualBlock
from nvczoo.portable.convolution import PortableConv2d
from nvczoo.portable.followed import FollowedModule
from nvczoo.portable.grid import Grid
from nvczoo.portable.settling import PortableOnGrid

GRID = Grid(8, 16)
Layer = tuple[FollowedModule, Callable[[Tensor], Tensor]]


def convolution() -> Layer:
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1)
    return PortableConv2d.of(conv, GRID, GRID), conv


def grouped() -> Layer:
    conv = nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)
    return PortableConv2d.of(conv, GRID, GRID), conv


def activation() -> Layer:
    return PortableLeakyReLU(0.01, GRID), nn.LeakyReLU(0.01)


def settling() -> Layer:
    return PortableOnGrid(GRID), nn.Identity()


def block() -> Layer:
    plain = ResidualBlock(4)
    first, second = (PortableConv2d.of(one, GRID, GRID) for one in (plain.conv1, plain.conv2))
    return PortableResidualBlock(first, second, 0.01, GRID, GRID), plain


LAYERS = [convolution, grouped, activation, settling, block]


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize("quick", [False, True])
def test_the_gradient_is_that_of_the_layer_in_floats(make: Callable[[], Layer], quick: bool) -> None:
    torch.manual_seed(0)
    portable, plain = make()
    if quick:
        for one in portable.modules():
            if isinstance(one, FollowedModule):
                one.hurry()
    x = torch.randn(2, 4, 10, 12)
    gradients = []
    for layer in (portable, plain):
        followed = x.clone().requires_grad_()
        out = layer(followed)
        out.square().sum().backward()
        gradients.append(followed.grad)
    assert torch.allclose(*gradients, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("make", LAYERS)
def test_its_value_is_what_integers_give(make: Callable[[], Layer]) -> None:
    torch.manual_seed(0)
    portable, _ = make()
    x = torch.randn(1, 4, 8, 8)
    exact = portable(x)
    assert not exact.requires_grad
    followed = portable(x.clone().requires_grad_())
    assert torch.allclose(followed, exact, atol=1e-5)


@pytest.mark.parametrize("make", LAYERS)
def test_without_gradients_nothing_is_off_the_grid(make: Callable[[], Layer]) -> None:
    torch.manual_seed(0)
    portable, _ = make()
    x = torch.randn(1, 4, 8, 8).requires_grad_()
    with torch.no_grad():
        assert torch.equal(portable(x), portable.target.settle(portable(x)))
