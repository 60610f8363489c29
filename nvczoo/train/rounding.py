"""Training for integers: layers that decode see weights and inputs rounded as a portable model has them.

Gradients pass the rounding as if it were none (straight-through: Bengio, Léonard, Courville, arXiv
1308.3432), so that weights move to where rounding them costs less. What is trained stays a float model, to be
quantized afterwards.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from nvczoo.portable.calibration import HEADROOM
from nvczoo.portable.known_answer import reached_by_decoding
from nvczoo.train.networks import Networks

ANY_Q = 32.0  # which layers decode does not depend on it


@contextmanager
def rounded(networks: Networks, bits: tuple[int, int]) -> Iterator[None]:
    """Round weights and inputs of the convolutions that decode to so many bits, inside.

    Grids are powers of two as in ``nvczoo.portable``: of weights one for each output channel, of an input one
    for all, with the headroom that calibration leaves; chosen anew from the numbers of each step.
    """
    layers = _decoding_layers(networks)
    for layer in layers:
        vars(layer)["_conv_forward"] = partial(_on_grids, layer._conv_forward, bits)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["_conv_forward"]


def _decoding_layers(networks: Networks) -> list[nn.Conv2d]:
    modules = networks.modules()
    training = {one: one.training for one in modules.modules()}
    modules.eval()
    reached = reached_by_decoding(modules, networks.intra, networks.inter, (ANY_Q,))
    for one, was in training.items():
        one.training = was
    return [one for name, one in modules.named_modules() if name in reached and isinstance(one, nn.Conv2d)]


def _on_grids(
    forward: Callable[[Tensor, Tensor, Tensor | None], Tensor],
    bits: tuple[int, int],
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
) -> Tensor:
    channels = weight.detach().abs().flatten(1).amax(1).view(-1, 1, 1, 1)
    reach = HEADROOM * x.detach().abs().amax()
    return forward(settled(x, reach, bits[1]), settled(weight, channels, bits[0]), bias)


def settled(x: Tensor, reach: Tensor, bits: int) -> Tensor:
    """Return ``x`` on the finest grid of so many bits that holds ``reach``; the gradient is that of ``x``."""
    most = 2 ** (bits - 1) - 1
    step = torch.exp2((torch.frexp(reach.float()).exponent + 1 - bits).float())
    step = torch.where(reach > most * step, 2 * step, step)  # as ``Grid.holding`` finds it
    with torch.no_grad():
        error = (x / step).round().clamp(-most - 1, most) * step - x
    return x + error
