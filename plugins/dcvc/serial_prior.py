"""Priors that see what is decoded above and to the left: DCVC's, and that of CompressAI's cheng2020-anchor.

Minnen, Ballé and Toderici, "Joint autoregressive and hierarchical priors for learned image
compression", NeurIPS 2018; Li, Li and Lu, "Deep contextual video compression" (DCVC), NeurIPS 2021.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from nvczoo.entropy.capped import CappedLaplace
from nvczoo.entropy.density import Density
from nvczoo.entropy.four_part import INITIAL_SCALE
from nvczoo.entropy.hyper import HyperCodec, hyper_analysis
from nvczoo.entropy.likelihood import FlooredGaussian
from nvczoo.entropy.serial import CausalConv, SerialGuess, code_serially
from nvczoo.errors import SettingError
from nvczoo.interfaces import Distribution, EntropyModel, SymbolStream, TableSet
from nvczoo.layers.conv import start_at

from .blocks import parameter_network, transposed_synthesis
from .hyper_prior import HyperPrior, picture_hyper

HYPER_KERNEL = 5  # of DCVC, where it halves and doubles


class SerialPrior(HyperPrior):
    """Codes a latent place by place; a hyper latent and the context tell the rest."""

    guess: SerialGuess

    def code_told(self, stream: SymbolStream, latent: Tensor | None, told: Tensor) -> Tensor:
        """Return the latent as the decoder has it, with ``told`` [B, K, h, w] known to both sides."""
        return code_serially(stream, latent, told, self.guess, self.distribution)


class DcvcPrior(SerialPrior):
    """The prior of DCVC's P frames, of the motion and of the picture: Laplace.

    ``hyper_widths`` are the channels of the hyper synthesis; ``channels``, as many and twice as many if not
    given.
    """

    distribution = CappedLaplace

    def __init__(
        self,
        channels: int = 96,
        context_channels: int = 0,
        hyper_channels: int = 64,
        hyper_widths: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        widths = hyper_widths or (channels, channels, 2 * channels)
        self.hyper = HyperCodec(
            hyper_analysis(channels, hyper_channels, kernel=HYPER_KERNEL),
            transposed_synthesis((hyper_channels, *widths), kernel=HYPER_KERNEL),
            Density(hyper_channels),
        )
        self.guess = _guess(context_channels + widths[-1], channels, scales_first=False)


class Cheng2020Prior(SerialPrior):
    """The prior of CompressAI's cheng2020-anchor: Gaussian."""

    distribution = FlooredGaussian

    def __init__(self, channels: int = 192, context_channels: int = 0) -> None:
        super().__init__()
        self.hyper = picture_hyper(channels)
        self.guess = _guess(context_channels + 2 * channels, channels, scales_first=True)


class ParallelEstimate(EntropyModel):
    """The estimate that published figures of a serial prior rest on: all places at once.

    The latent is rounded without its mean, which the places need to be known to each other, but what is
    priced is the latent less its mean: no decoder could get the one from the other. To train and estimate
    with; writing and reading raise SettingError.
    """

    def __init__(self, prior: SerialPrior) -> None:
        super().__init__()
        self.prior = prior

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the rounded latent [B, channels, h, w]; see ``EntropyModel``."""
        if latent is None:
            raise SettingError(_NO_STREAM)
        told = self.prior.told(stream, latent, size, context, q)
        values = latent.float()
        decoded = values + (values.round() - values).detach()  # the gradient passes through
        scales, means = self.prior.guess.everywhere(told, decoded.to(told.dtype))
        symbols = stream.code("latent", values - means, _Priced(self.prior.distribution(scales)))
        stream.note("symbols", symbols)
        return decoded


_NO_STREAM = "A parallel estimate of a serial prior cannot be written or read: leave its `with` block first"


@dataclass(frozen=True)
class _Priced(Distribution):
    """A distribution for estimates alone."""

    inner: Distribution

    @property
    def table(self) -> TableSet:
        """Raise SettingError."""
        raise SettingError(_NO_STREAM)

    def bits(self, symbols: Tensor) -> Tensor:
        """Return the estimated bits of each symbol."""
        return self.inner.bits(symbols)

    def indexes(self) -> Tensor:
        """Raise SettingError."""
        raise SettingError(_NO_STREAM)


@contextmanager
def parallel_estimates(codec: nn.Module) -> Iterator[None]:
    """Let all serial priors in ``codec`` estimate in parallel until the block ends; weights are the same."""
    places = [
        (parent, name, child)
        for parent in codec.modules()
        for name, child in parent.named_children()
        if isinstance(child, SerialPrior)
    ]
    try:
        for parent, name, prior in places:
            setattr(parent, name, ParallelEstimate(prior))
        yield
    finally:
        for parent, name, prior in places:
            setattr(parent, name, prior)


def _guess(known: int, channels: int, scales_first: bool) -> SerialGuess:
    """Return the networks of a prior that is told ``known`` channels beside what is decoded."""
    fusion = parameter_network(known + 2 * channels, channels, kernel=1)
    start_at(fusion, (INITIAL_SCALE, 0.0) if scales_first else (0.0, INITIAL_SCALE))
    return SerialGuess(CausalConv(channels, 2 * channels), fusion, scales_first)
