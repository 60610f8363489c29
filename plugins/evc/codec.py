"""EVC: image codecs whose encoders and decoders come in three sizes, and encoders that add up.

Wang, Li, Li and Lu, "EVC: towards real-time neural image compression with mask decay", ICLR 2023.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nvczoo.entropy.streams import BitCounter
from nvczoo.errors import SettingError
from nvczoo.interfaces import EntropyModel, IntraCodec, Layout, RateSampler, Reference, Setting, SymbolStream
from nvczoo.layers import LAYOUTS
from nvczoo.layers.quality import QualityStep

from .networks import analysis, synthesis
from .published_keys import EVC

LATENT_STRIDE = 16
PADDING_STRIDE = 64  # of the published model: the hyper latent comes out even
LARGE = (192, 192, 192, 192)  # channels at 1/2, 1/4, 1/8, 1/16 of the size
WHITE = 255.0


class Evc(IntraCodec):
    """Codes a picture on its own; the latent is divided by a step that chooses the rate.

    With several ``encoders`` the latent is the mean of the first ones' outputs, as many as cost least by the
    sampler's Lagrangian, or ``used`` if that is not 0. The decoder need not know how many.
    """

    published = EVC

    def __init__(
        self,
        entropy_model: EntropyModel,
        rate_sampler: RateSampler,
        encoder_widths: tuple[int, ...] = LARGE,
        decoder_widths: tuple[int, ...] = LARGE,
        encoders: int = 1,
        used: int = 0,
        layout: Layout = "rgb",
    ) -> None:
        super().__init__()
        if encoder_widths[-1] != decoder_widths[-1]:
            raise SettingError(
                f"The encoder gives {encoder_widths[-1]} channels, the decoder takes {decoder_widths[-1]}: "
                "the last of encoder_widths and of decoder_widths must be equal"
            )
        if not (encoders >= 1 and 0 <= used <= encoders):
            raise SettingError(f"encoders={encoders}, used={used}: there must be one, and no more be used")
        grid = LAYOUTS[layout]
        self.layout, self.stride = layout, PADDING_STRIDE * grid.spacing
        self.spacing, self.used = grid.spacing, used
        self.rate_sampler = rate_sampler
        self.entropy_model = entropy_model
        self.quality_step = QualityStep(rate_sampler, encoder_widths[-1])
        self.analysis = nn.ModuleList(analysis(grid.channels, encoder_widths) for _ in range(encoders))
        self.synthesis = synthesis(decoder_widths, grid.channels)

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the picture as the decoder has it; see ``FrameCodec``."""
        latent = None if frame is None else self._cheapest(frame, setting)
        return Reference(self._decoded(latent, setting, stream).clamp(0, 1))

    def _decoded(self, latent: Tensor | None, setting: Setting, stream: SymbolStream) -> Tensor:
        """Return the picture that a latent becomes, and code it on the way; values may leave 0..1."""
        step = self.quality_step(self.rate_sampler, setting.q)
        height, width = (side // (LATENT_STRIDE * self.spacing) for side in setting.size)
        scaled = None if latent is None else latent / step
        decoded = self.entropy_model.code(stream.part("intra"), scaled, (height, width), q=setting.q)
        return self.synthesis(decoded * step)

    def _means(self, frame: Tensor) -> Iterator[Tensor]:
        """Yield the latent of the first encoder, the mean of two, and so on: [B, C, H/16, W/16] each."""
        total = frame.new_zeros(())
        for number, encoder in enumerate(self.analysis, start=1):
            total = total + encoder(frame)
            yield total / number

    def _cheapest(self, frame: Tensor, setting: Setting) -> Tensor:
        """Return the latent to code: the only one, that of ``used`` encoders, or the cheapest of all."""
        means = self._means(frame)
        if len(self.analysis) == 1:
            return next(means)
        if self.used:
            return [next(means) for _ in range(self.used)][-1]
        candidates = tuple(means)
        costs = torch.stack([self._cost(frame, one, setting) for one in candidates])
        return torch.stack(candidates)[costs.argmin(0), torch.arange(frame.shape[0], device=frame.device)]

    @torch.no_grad()
    def _cost(self, frame: Tensor, latent: Tensor, setting: Setting) -> Tensor:
        """Return [B]: bits per pixel and squared error, over all channels, weighed by the Lagrangian."""
        counter = BitCounter()
        error = (self._decoded(latent, setting, counter) - frame).square().flatten(1).sum(1)
        pixels = setting.size[0] * setting.size[1]
        weight = self.rate_sampler.lagrangian(setting.q) * WHITE**2
        return (weight * error + counter.total) / pixels
