"""What more than one model of the family is made of, and none outside it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nvczoo.interfaces import EntropyModel
from nvczoo.layers.conv import conv, deconv


def transposed_synthesis(widths: Sequence[int], kernel: int = 3) -> nn.Sequential:
    """Return transposed convolutions with leaky ReLUs between: two that double the size, and a 3x3 one.

    ``widths`` are the channels that come in, and those that leave each.
    """
    hyper, first, middle, last = widths
    return nn.Sequential(
        deconv(hyper, first, kernel),
        nn.LeakyReLU(),
        deconv(first, middle, kernel),
        nn.LeakyReLU(),
        deconv(middle, last, 3, stride=1),
    )


def parameter_network(known: int, channels: int, kernel: int) -> nn.Sequential:
    """Return three convolutions with leaky ReLUs between, from ``known`` to ``2 * channels`` channels."""
    wide, narrow = 10 * channels // 3, 8 * channels // 3
    return nn.Sequential(
        conv(known, wide, kernel),
        nn.LeakyReLU(),
        conv(wide, narrow, kernel),
        nn.LeakyReLU(),
        conv(narrow, 2 * channels, kernel),
    )


def prior_context(
    model: EntropyModel, known: Tensor | None, previous: Tensor | None, shape: Sequence[int], like: Tensor
) -> Tensor | None:
    """Return what an entropy model is told: ``known``, and behind it the latent of the previous frame.

    A missing latent is left out if the model can do without, else it is zeros of ``shape``.
    """
    if previous is None and not model.partial_context:
        previous = torch.zeros(*shape, device=like.device)
    told = tuple(one for one in (known, previous) if one is not None)
    return torch.cat(told, dim=1) if told else None
