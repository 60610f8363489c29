"""Channels between two convolutions made alike in width before they get one grid together.

A channel is made 2^n times as large by the first convolution, and its weights in the second one 2^n times
smaller; what stands between, (leaky) ReLU, commutes with that. By powers of two the float network computes
the same to the bit. On one grid for all channels, narrow ones then have more steps to themselves.
After "cross-layer equalization" in Nagel et al., "Data-free quantization through weight equalization and
bias correction", ICCV 2019; the widths of channels are seen on examples here.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice

import torch
from torch import Tensor, nn

from nvczoo.layers import ResidualBlock
from nvczoo.layers.residual import ActivatedResidual, Bottleneck, ResidualDown

MOST_DOUBLINGS = 8  # of a channel: a channel that is nearly silent on the examples may not be so later on
# Inside: conv2(act(conv1(...))).
INNER = (ResidualBlock, ActivatedResidual, Bottleneck, ResidualDown)
BETWEEN = (nn.LeakyReLU, nn.ReLU)

Pair = tuple[nn.Conv2d, nn.Conv2d]


def equalise(network: nn.Module, reached: frozenset[str], run: Callable[[], object]) -> int:
    """Even out the channels inside all pairs of convolutions that decoding reaches; return how many pairs.

    ``run`` shows examples to the network, in float. The network computes the same afterwards.
    """
    found = [pair for name, pair in pairs(network) if name in reached]
    for (first, second), width in zip(found, _widths([second for _, second in found], run), strict=True):
        _rescale(first, second, _doublings(width, _columns(second)))
    return len(found)


def pairs(network: nn.Module) -> Iterator[tuple[str, Pair]]:
    """Yield the convolutions whose channels nobody else sees, with the name of what holds them."""
    for name, module in network.named_modules():
        candidates: list[tuple[nn.Module, ...]] = []
        if isinstance(module, INNER):
            candidates.append((module.conv1, module.conv2))
        elif isinstance(module, nn.Sequential):
            layers = list(module)
            between = zip(layers, islice(layers, 1, None), islice(layers, 2, None), strict=False)
            candidates += [(a, b) for a, act, b in between if isinstance(act, BETWEEN)]
        for first, second in candidates:
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.Conv2d) and second.groups == 1:
                yield name, (first, second)


def _widths(layers: list[nn.Conv2d], run: Callable[[], object]) -> list[Tensor]:
    """Return the greatest absolute value that comes into each channel [C] of each layer."""
    widths = [torch.zeros(one.in_channels, device=one.weight.device) for one in layers]
    with ExitStack() as stack:
        for layer, width in zip(layers, widths, strict=True):
            stack.callback(layer.register_forward_pre_hook(_seen(width)).remove)
        run()
    return widths


def _seen(width: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def see(_: nn.Module, entered: tuple[Tensor, ...]) -> None:
        torch.maximum(width, entered[0].detach().abs().amax((0, 2, 3)).float(), out=width)

    return see


def _columns(second: nn.Conv2d) -> Tensor:
    """Return the greatest absolute weight [C] of each input channel, each output's own scale aside."""
    weight = second.weight.detach().abs()
    rows = weight.flatten(1).amax(1).clamp(min=torch.finfo(weight.dtype).tiny)
    return (weight / rows.view(-1, 1, 1, 1)).amax((0, 2, 3))


def _doublings(width: Tensor, columns: Tensor) -> Tensor:
    """Return by how many powers of two [C] each channel grows, to be as wide as its weights then are."""
    alive = (width > 0) & (columns > 0)
    if not alive.any():
        return torch.zeros_like(width)
    wanted = torch.where(alive, (columns.log2() - width.log2()) / 2, 0.0)
    return torch.where(alive, (wanted - wanted[alive].median()).round(), 0.0).clamp(
        -MOST_DOUBLINGS, MOST_DOUBLINGS
    )


def _rescale(first: nn.Conv2d, second: nn.Conv2d, doublings: Tensor) -> None:
    factors = torch.exp2(doublings)
    with torch.no_grad():
        first.weight *= factors.view(-1, 1, 1, 1)
        if first.bias is not None:
            first.bias *= factors
        second.weight /= factors.view(1, -1, 1, 1)
