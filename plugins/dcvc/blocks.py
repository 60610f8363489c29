"""What more than one model of the family is made of, and none outside it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nvczoo.interfaces import EntropyModel
from nvczoo.layers import conv3
from nvczoo.layers.residual import pointwise_double


def hyper_analysis(channels: int, hyper_channels: int, strides: Sequence[int] = (1, 2, 2)) -> nn.Sequential:
    """Return 3x3 convolutions with leaky ReLUs between, one per stride."""
    layers: list[nn.Module] = [conv3(channels, hyper_channels, stride=strides[0])]
    for stride in strides[1:]:
        layers += [nn.LeakyReLU(), conv3(hyper_channels, hyper_channels, stride=stride)]
    return nn.Sequential(*layers)


def hyper_synthesis(widths: Sequence[int]) -> nn.Sequential:
    """Return convolution, doubling, convolution, doubling, convolution, with leaky ReLUs between.

    ``widths`` are the channels that come in, and those that leave each of the three convolutions; a
    doubling keeps the width.
    """
    hyper, first, middle, last = widths
    return nn.Sequential(
        conv3(hyper, first),
        nn.LeakyReLU(),
        pointwise_double(first, first),
        nn.LeakyReLU(),
        conv3(first, middle),
        nn.LeakyReLU(),
        pointwise_double(middle, middle),
        nn.LeakyReLU(),
        conv3(middle, last),
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
