"""CompressAI's image models as intra codecs for any video codec."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor

from nvczoo.interfaces import IntraCodec, Layout, Reference, Rules, Setting, SymbolStream
from nvczoo.video.colour import in_layout, rgb_of_layout

from .library import Plain, image_model, plain
from .priors import FactorizedPrior, HyperPrior, MeanScalePrior, SerialPrior

LATENT_STRIDE = 16
COMPUTED = ""
# From the names in CompressAI's checkpoints, those of before version 1.2.7 too.
NAMES: Rules = (
    (r"^g_a\.", "analysis."),
    (r"^g_s\.", "synthesis."),
    (r"^h_a\.", "prior.hyper_analysis."),
    (r"^h_s\.", "prior.hyper_synthesis."),
    (r"^entropy_bottleneck\.quantiles$", "prior.density.quantiles"),
    (r"^entropy_bottleneck\._?(matrices|biases|factors)\.", r"prior.density.\1."),
    (r"^entropy_bottleneck\._matrix(\d)$", r"prior.density.matrices.\1"),
    (r"^entropy_bottleneck\._bias(\d)$", r"prior.density.biases.\1"),
    (r"^entropy_bottleneck\._factor(\d)$", r"prior.density.factors.\1"),
    (r"^context_prediction\.mask$", COMPUTED),
    (r"^context_prediction\.", "prior.guess.spatial."),
    (r"^entropy_parameters\.", "prior.guess.fusion."),
    (r"^entropy_bottleneck\..*", COMPUTED),
    (r"^gaussian_conditional\..*", COMPUTED),
)


class Pictures(Plain, IntraCodec):
    """Codes a picture by transforms of CompressAI's, which work in RGB.

    Other layouts are converted by BT.709, full range.
    """

    published = NAMES

    def __init__(self, theirs: Any, layout: Layout) -> None:
        super().__init__()
        self.layout, self.stride = layout, theirs.downsampling_factor
        self.analysis, self.synthesis = theirs.g_a, theirs.g_s

    @abstractmethod
    def code_latent(
        self, stream: SymbolStream, latent: Tensor | None, size: tuple[int, int], q: Tensor
    ) -> Tensor:
        """Return the latent [B, C, *size] as the decoder has it."""

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the picture as the decoder has it; see ``FrameCodec``."""
        size = (setting.size[0] // LATENT_STRIDE, setting.size[1] // LATENT_STRIDE)
        latent = None if frame is None else plain(self.analysis(plain(rgb_of_layout(frame, self.layout))))
        latent = self.code_latent(stream.part("intra"), latent, size, setting.q)
        return Reference(in_layout(plain(self.synthesis(plain(latent))).clamp(0, 1), self.layout))


class ImageModel(Pictures):
    """One network per rate; ``q`` has no effect.

    ``quality`` is CompressAI's, that of the checkpoint; ``transform_widths`` stand for its widths.
    """

    architecture: str
    prior_of: type[FactorizedPrior | HyperPrior]

    def __init__(
        self, quality: int = 1, transform_widths: tuple[int, ...] = (), layout: Layout = "packed420"
    ) -> None:
        theirs = image_model(self.architecture, quality, transform_widths)
        super().__init__(theirs, layout)
        self.prior = self.prior_of(theirs)

    def code_latent(
        self, stream: SymbolStream, latent: Tensor | None, size: tuple[int, int], q: Tensor
    ) -> Tensor:
        """Return the latent [B, C, *size] as the decoder has it."""
        return self.prior.code(stream, latent, size, len(q))


class FactorizedImage(ImageModel):
    """Ballé et al., "Variational image compression with a scale hyperprior": without the hyperprior."""

    architecture, prior_of = "bmshj2018-factorized", FactorizedPrior


class HyperpriorImage(ImageModel):
    """Ballé et al., "Variational image compression with a scale hyperprior", ICLR 2018."""

    architecture, prior_of = "bmshj2018-hyperprior", HyperPrior


class MeanScaleImage(ImageModel):
    """Minnen et al., "Joint autoregressive and hierarchical priors", NeurIPS 2018: without the first."""

    architecture, prior_of = "mbt2018-mean", MeanScalePrior


class JointImage(ImageModel):
    """Minnen et al., "Joint autoregressive and hierarchical priors", NeurIPS 2018."""

    architecture, prior_of = "mbt2018", SerialPrior


class Cheng2020Anchor(ImageModel):
    """Cheng et al., "Discretized Gaussian mixture likelihoods and attention", CVPR 2020: without either."""

    architecture, prior_of = "cheng2020-anchor", SerialPrior


class Cheng2020Attention(ImageModel):
    """Cheng et al., "Discretized Gaussian mixture likelihoods and attention", CVPR 2020: one Gaussian."""

    architecture, prior_of = "cheng2020-attn", SerialPrior
