"""CompressAI's ways to code a latent, each told by a hyper latent and coded by our streams.

Ballé et al., "Variational image compression with a scale hyperprior", ICLR 2018; Minnen, Ballé and Toderici,
"Joint autoregressive and hierarchical priors for learned image compression", NeurIPS 2018.
"""

from typing import Any

import torch
from torch import Tensor, nn

from nvczoo.entropy.bottleneck import EntropyBottleneck
from nvczoo.entropy.likelihood import FlooredGaussian
from nvczoo.entropy.serial import CausalConv, Guess, SerialGuess, code_serially
from nvczoo.interfaces import SymbolStream

from .library import plain


def bottleneck_of(theirs: Any) -> EntropyBottleneck:
    """Return our entropy bottleneck with the parameters of one of CompressAI's."""
    ours = EntropyBottleneck(theirs.quantiles.shape[0])
    state = theirs.state_dict()
    wanted = {name: state[name] for name in ours.state_dict() if name in state}
    ours.load_state_dict(wanted)  # raises where a release of CompressAI has other names
    return ours


def code_bottleneck(
    stream: SymbolStream, values: Tensor | None, density: EntropyBottleneck, size: tuple[int, int], batch: int
) -> Tensor:
    """Return values [B, C, *size] as the decoder has them, by the learned density of each channel."""
    centre = density.centre
    centred = None if values is None else values - centre
    symbols = [
        stream.code(
            "latent",
            None if centred is None else centred[:, channels],
            density.distribution(size, batch=batch, channels=channels),
        )
        for channels in density.groups  # two, where the largest models have 320 channels
    ]
    return plain(torch.cat(symbols, 1) + centre)


class FactorizedPrior(nn.Module):
    """One density per channel, and nothing else known."""

    def __init__(self, theirs: Any) -> None:
        super().__init__()
        self.density = bottleneck_of(theirs.entropy_bottleneck)

    def code(self, stream: SymbolStream, latent: Tensor | None, size: tuple[int, int], batch: int) -> Tensor:
        """Return the latent as the decoder has it."""
        return code_bottleneck(stream, latent, self.density, size, batch)


class HyperPrior(nn.Module):
    """A hyper latent tells scales alone; it is made of absolute values, as signs say nothing of them."""

    hyper_stride = 4

    def __init__(self, theirs: Any) -> None:
        super().__init__()
        self.hyper_analysis, self.hyper_synthesis = theirs.h_a, theirs.h_s
        self.density = bottleneck_of(theirs.entropy_bottleneck)

    def code(self, stream: SymbolStream, latent: Tensor | None, size: tuple[int, int], batch: int) -> Tensor:
        """Return the latent as the decoder has it."""
        return self.code_told(stream, latent, self.told(stream, latent, size, batch))

    def told(self, stream: SymbolStream, latent: Tensor | None, size: tuple[int, int], batch: int) -> Tensor:
        """Code the hyper latent, and return what it tells both sides of the latent."""
        hyper = None if latent is None else plain(self.hyper_analysis(self.seen(latent)))
        hyper_size = (size[0] // self.hyper_stride, size[1] // self.hyper_stride)
        hyper = code_bottleneck(stream.part("hyper"), hyper, self.density, hyper_size, batch)
        return plain(self.hyper_synthesis(hyper))

    def scales_and_means(self, told: Tensor) -> Guess:
        """Return scales and means."""
        return told.float(), torch.zeros_like(told, dtype=torch.float32)

    def seen(self, latent: Tensor) -> Tensor:
        """Return what the hyper analysis sees."""
        return latent.abs()

    def code_told(self, stream: SymbolStream, latent: Tensor | None, told: Tensor) -> Tensor:
        """Return the latent as the decoder has it, with ``told`` known to both sides."""
        scales, means = self.scales_and_means(told)
        centred = None if latent is None else latent - means
        return stream.code("latent", centred, FlooredGaussian(scales)) + means


class MeanScalePrior(HyperPrior):
    """A hyper latent tells scales and means."""

    def seen(self, latent: Tensor) -> Tensor:
        """Return what the hyper analysis sees."""
        return latent

    def scales_and_means(self, told: Tensor) -> Guess:
        """Return scales and means."""
        scales, means = told.float().chunk(2, dim=1)
        return scales, means


class SerialPrior(MeanScalePrior):
    """A hyper latent and what is decoded above and to the left tell scales and means."""

    def __init__(self, theirs: Any) -> None:
        super().__init__(theirs)
        given: nn.Conv2d = theirs.context_prediction
        spatial = CausalConv(given.in_channels, given.out_channels)
        spatial.load_state_dict({"weight": given.weight, "bias": given.bias})
        self.guess = SerialGuess(spatial, theirs.entropy_parameters, scales_first=True)

    def code_told(self, stream: SymbolStream, latent: Tensor | None, told: Tensor) -> Tensor:
        """Return the latent as the decoder has it, with ``told`` known to both sides."""
        return code_serially(stream, latent, told, self.guess, FlooredGaussian)
