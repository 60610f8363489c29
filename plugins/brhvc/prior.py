"""The prior of BRHVC's B frames: four passes, told by what the two references have left.

Liu et al., "Neural B-frame video compression with bi-directional reference harmonization" (BRHVC),
NeurIPS 2025.
"""

import torch
from torch import Tensor, nn

from nvczoo.entropy.capped import CappedLaplace
from nvczoo.entropy.density import Density
from nvczoo.entropy.four_part import PASSES, FourPartPrior
from nvczoo.entropy.hyper import HyperCodec, hyper_analysis, hyper_synthesis
from nvczoo.interfaces import EntropyModel, SymbolStream
from nvczoo.layers import crop
from nvczoo.layers.depthwise import depthwise_block

from .sides import BySide, Sides


class TwoSidedPrior(FourPartPrior):
    """Codes a latent in four passes; either reference's latent may be missing, by weights of its own.

    Of the context, the first ``channels_before`` stand before the features of the hyper latent, the last
    ``previous_channels`` are the latents of the earlier and of the later reference, and what is between
    goes past the choice.
    """

    def __init__(
        self,
        channels: int = 128,
        context_channels: int = 0,
        channels_before: int = 0,
        previous_channels: int = 0,
        adapted_channels: int = 384,
        hyper_strides: tuple[int, ...] = (1, 2, 2),
    ) -> None:
        super().__init__()
        self.distribution = CappedLaplace
        self.channels_before = channels_before
        self.known_channels = context_channels - previous_channels
        analysis = hyper_analysis(channels, channels, hyper_strides)
        self.hyper = HyperCodec(analysis, hyper_synthesis((channels,) * 4), Density(channels))
        triple = 3 * channels
        self.adapt = BySide(channels_before + channels, previous_channels // 2, adapted_channels)
        past = self.known_channels - channels_before
        self.fusion = nn.Sequential(
            depthwise_block(adapted_channels + past, triple), depthwise_block(triple, triple)
        )
        self.adaptors = nn.ModuleList(nn.Conv2d(4 * channels, triple, 1) for _ in range(PASSES - 1))
        self.spatial = nn.Sequential(
            depthwise_block(triple, triple),
            depthwise_block(triple, triple),
            depthwise_block(triple, 2 * channels),
        )
        self._start(self.fusion)

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w]; see ``EntropyModel``."""
        if context is None:
            return self.code_between(stream, latent, size, None, (None, None), q)
        known, previous = context[:, : self.known_channels], context[:, self.known_channels :]
        sides = (None, None) if previous.shape[1] == 0 else previous.chunk(2, dim=1)
        return self.code_between(stream, latent, size, known, (sides[0], sides[1]), q)

    def code_between(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        known: Tensor | None,
        sides: Sides,
        q: Tensor | None,
    ) -> Tensor:
        """Return the latent as ``code`` does, where each side's latent may be None."""
        batch = next((one.shape[0] for one in (latent, known, q) if one is not None), 1)
        features = crop(self.hyper.code(stream.part("hyper"), latent, size, q, batch), size)
        before, past = ((), ()) if known is None else self._split(known)
        adapted = self.adapt(torch.cat((*before, features), dim=1), sides)
        return self.code_given(stream, latent, self.fusion(torch.cat((adapted, *past), dim=1)))

    def _split(self, known: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        return (known[:, : self.channels_before],), (known[:, self.channels_before :],)


def code_between(
    model: EntropyModel,
    stream: SymbolStream,
    latent: Tensor | None,
    known: Tensor,
    sides: Sides,
    channels: int,
    q: Tensor,
) -> Tensor:
    """Return the latent [B, channels, h, w] as the decoder has it, coded by any entropy model.

    ``known`` [B, C, h, w] is told first, then the sides' latents; one that does not know missing ones is
    told zeros.
    """
    size = (known.shape[2], known.shape[3])
    if isinstance(model, TwoSidedPrior):
        return model.code_between(stream, latent, size, known, sides, q)
    nothing = torch.zeros(known.shape[0], channels, *size, device=known.device)
    told = (known, *(nothing if side is None else side for side in sides))
    return model.code(stream, latent, size, torch.cat(told, dim=1), q)
