"""CompressAI's entropy models as parts: its EntropyBottleneck, and its GaussianConditional."""

import torch
from torch import Tensor, nn

from nvczoo.entropy.four_part import INITIAL_SCALE
from nvczoo.entropy.likelihood import FlooredGaussian
from nvczoo.interfaces import EntropyModel, SymbolStream
from nvczoo.layers import crop, pad_to_multiple
from nvczoo.layers.conv import start_at

from .library import Plain, image_model, plain
from .priors import bottleneck_of, code_bottleneck

HYPER_STRIDE = 4


class Bottleneck(EntropyModel):
    """CompressAI's EntropyBottleneck: the learned density of each channel, whatever surrounds it."""

    def __init__(self, channels: int, context_channels: int = 0) -> None:
        super().__init__()
        del context_channels  # taken, so that it can stand in for a model that uses the context
        theirs = image_model("bmshj2018-factorized", 1, (1, channels))
        self.density = bottleneck_of(theirs.entropy_bottleneck)

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w]."""
        known = next((tensor for tensor in (latent, context, q) if tensor is not None), None)
        return code_bottleneck(stream, latent, self.density, size, 1 if known is None else len(known))


class Conditional(Plain, EntropyModel):
    """A Gaussian for each element, its scale and mean told by a hyper latent and by the context.

    CompressAI's GaussianConditional with the hyper networks of its mbt2018-mean.
    """

    def __init__(self, channels: int, context_channels: int = 0, hyper_channels: int = 64) -> None:
        super().__init__()
        theirs = image_model("mbt2018-mean", 1, (hyper_channels, channels))
        self.hyper_analysis, self.hyper_synthesis = theirs.h_a, theirs.h_s
        self.density = bottleneck_of(theirs.entropy_bottleneck)
        told = 2 * channels
        self.fuse = nn.Sequential(nn.Conv2d(told + context_channels, told, 1)) if context_channels else None
        start_at(self.fuse or self.hyper_synthesis, (INITIAL_SCALE, 0.0))

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w]."""
        known = next((tensor for tensor in (latent, context, q) if tensor is not None), None)
        hyper = None if latent is None else self.hyper_analysis(plain(pad_to_multiple(latent, HYPER_STRIDE)))
        hyper_size = (-(-size[0] // HYPER_STRIDE), -(-size[1] // HYPER_STRIDE))
        batch = 1 if known is None else len(known)
        hyper = code_bottleneck(stream.part("hyper"), hyper, self.density, hyper_size, batch)
        told = crop(self.hyper_synthesis(hyper), size)
        if self.fuse is not None and context is not None:
            told = self.fuse(torch.cat((told, context), dim=1))
        scales, means = told.float().chunk(2, dim=1)
        centred = None if latent is None else latent - means
        return stream.code("latent", centred, FlooredGaussian(scales)) + means
