"""The side latent that is coded first: a learned density, no context."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from nvczoo.entropy.bottleneck import EntropyBottleneck
from nvczoo.entropy.density import Density
from nvczoo.interfaces import SymbolStream
from nvczoo.layers import conv3, pad_to_multiple
from nvczoo.layers.conv import conv
from nvczoo.layers.residual import pointwise_double

HYPER_STRIDE = 4  # the hyper latent is this much smaller than the latent


class HyperCodec(nn.Module):
    """Codes what is left of a latent after two halvings, rounded, and makes features of it."""

    def __init__(
        self, analysis: nn.Module, synthesis: nn.Module, density: Density | EntropyBottleneck
    ) -> None:
        super().__init__()
        self.analysis = analysis
        self.synthesis = synthesis
        self.density = density

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        q: Tensor | None = None,
        batch: int = 1,
    ) -> Tensor:
        """Return features for a latent [B, C, h, w], (h, w) rounded up to multiples of four.

        ``latent`` is None when decoding; ``size`` is (h, w); ``batch`` counts where ``q`` is not known.
        """
        height, width = (-(-side // HYPER_STRIDE) for side in size)
        centre = self.density.centre
        values = None if latent is None else self.analysis(pad_to_multiple(latent, HYPER_STRIDE)) - centre
        symbols = stream.code("latent", values, self.density.distribution((height, width), q, batch))
        stream.note("symbols", symbols)
        return self.synthesis(symbols + centre)


def hyper_analysis(
    channels: int, hyper_channels: int, strides: Sequence[int] = (1, 2, 2), kernel: int = 3
) -> nn.Sequential:
    """Return convolutions with leaky ReLUs between, one per stride; the first is 3x3."""
    layers: list[nn.Module] = [conv3(channels, hyper_channels, stride=strides[0])]
    for stride in strides[1:]:
        layers += [nn.LeakyReLU(), conv(hyper_channels, hyper_channels, kernel, stride)]
    return nn.Sequential(*layers)


def hyper_synthesis(
    widths: Sequence[int], enlarge: Callable[[int, int], nn.Module] = pointwise_double
) -> nn.Sequential:
    """Return convolution, doubling, convolution, doubling, convolution, with leaky ReLUs between.

    ``widths`` are the channels that come in, and those that leave each of the three convolutions; a
    doubling keeps the width.
    """
    hyper, first, middle, last = widths
    return nn.Sequential(
        conv3(hyper, first),
        nn.LeakyReLU(),
        enlarge(first, first),
        nn.LeakyReLU(),
        conv3(first, middle),
        nn.LeakyReLU(),
        enlarge(middle, middle),
        nn.LeakyReLU(),
        conv3(middle, last),
    )
