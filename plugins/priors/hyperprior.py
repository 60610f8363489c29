"""The hyperprior: a small latent coded first tells the mean and scale of each element.

Minnen, Ballé and Toderici, "Joint autoregressive and hierarchical priors for learned image
compression", NeurIPS 2018. Between hyperprior and latent stands a list of passes: one for the
plain hyperprior, more where later elements are predicted from earlier ones (``checkerboard.py``,
``four_part.py``).
"""

import torch
from torch import Tensor, nn

from nvczoo.entropy.distributions import Laplace
from nvczoo.entropy.ladder import RUNGS
from nvczoo.entropy.lattice import Lattice, lattice_mask
from nvczoo.interfaces import EntropyModel, SymbolStream
from nvczoo.layers import OnGrid, QualityShare, conv3, crop, double, join, pad_to_multiple
from nvczoo.layers.on_grid import MEAN_FRACTION

from .factorized import POSITION_GAIN, Factorized
from .magnitudes import Magnitudes
from .overall_scale import tell_shift

HYPER_STRIDE = 4  # the hyper latent is this much smaller than the latent


class Hyperprior(EntropyModel):
    """Codes a latent in one pass, with mean and scale from a hyper latent and the context."""

    lattice: Lattice = (((0, 1, 2, 3),),)

    def __init__(
        self,
        channels: int,
        context_channels: int = 0,
        hyper_channels: int = 48,
        hidden_channels: int = 128,
        magnitudes: bool = False,
        overall_scale: bool = False,
    ) -> None:
        """With ``magnitudes`` scales follow known elements, and the last ``channels`` of the context.

        With ``overall_scale`` a symbol for each latent says how far off all scales are.
        """
        super().__init__()
        self.channels = channels
        self.overall_scale = overall_scale
        # From the context before the first pass, from what is decoded before the others.
        known = (context_channels >= channels, *(True for _ in self.lattice[1:]))
        self.magnitudes = nn.ModuleList(
            Magnitudes(channels) if magnitudes and one else nn.Identity() for one in known
        )
        self.hyper_analysis = nn.Sequential(
            conv3(channels, hyper_channels),
            nn.LeakyReLU(),
            conv3(hyper_channels, hyper_channels, stride=2),
            nn.LeakyReLU(),
            conv3(hyper_channels, hyper_channels, stride=2),
        )
        self.hyper_model = Factorized(hyper_channels)
        self.hyper_synthesis = nn.Sequential(
            double(hyper_channels, hyper_channels),
            nn.LeakyReLU(),
            double(hyper_channels, hyper_channels),
            nn.LeakyReLU(),
        )
        self.fusion = nn.Sequential(
            conv3(hyper_channels + context_channels + 1, hidden_channels),  # one plane tells q
            nn.LeakyReLU(),
            conv3(hidden_channels, 2 * channels, gain=0.1),
        )
        self.quality = QualityShare()
        self.refinements = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(3 * channels, hidden_channels, 1),
                nn.LeakyReLU(),
                conv3(hidden_channels, 2 * channels, gain=0.1),
            )
            for _ in self.lattice[1:]
        )
        self.settle = nn.ModuleList(OnGrid(MEAN_FRACTION) for _ in self.lattice)

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w], float32."""
        hyper = None if latent is None else self.hyper_analysis(pad_to_multiple(latent, HYPER_STRIDE))
        height, width = (-(-side // HYPER_STRIDE) for side in size)
        hyper = self.hyper_model.code(stream.part("hyper"), hyper, (height, width), context, q)
        features = crop(self.hyper_synthesis(hyper), size)
        known = (features,) if context is None else (features, context)
        prior = self.fusion(join(*known, self._q_plane(q, features)))
        before = None if context is None else context[:, -self.channels :]
        return self._passes(stream, latent, prior, before)

    def _passes(
        self, stream: SymbolStream, latent: Tensor | None, prior: Tensor, before: Tensor | None
    ) -> Tensor:
        """Code the latent's elements pass by pass, each pass knowing the ones before."""
        values = None if latent is None else latent.float()
        decoded: Tensor | None = None
        shift: Tensor | None = None
        parameters = prior = self._scaled(0, self.settle[0](prior), before)
        for number, cells in enumerate(self.lattice):
            if decoded is not None:
                refine = self.refinements[number - 1]
                refined = self.settle[number](refine(join(prior, decoded.to(prior.dtype))))
                parameters = prior + self._scaled(number, refined, decoded)
            mean, position = parameters.float().chunk(2, dim=1)
            position = RUNGS / 2 + POSITION_GAIN * position
            mask = lattice_mask(cells, mean) if len(self.lattice) > 1 else None
            centred = None if values is None else values - mean
            if self.overall_scale:
                shift = tell_shift(stream, centred, position, mask) if shift is None else shift
                position = position + shift
            symbols = stream.code("latent", centred, Laplace(position=position), mask)
            now = symbols + mean if mask is None else (symbols + mean) * mask
            decoded = now if decoded is None or mask is None else torch.where(mask, now, decoded)
        assert decoded is not None
        return decoded

    def _scaled(self, number: int, parameters: Tensor, known: Tensor | None) -> Tensor:
        """Return a pass's parameters with positions that follow the magnitudes of known elements."""
        follow = self.magnitudes[number]
        if known is None or not isinstance(follow, Magnitudes):
            return parameters
        mean, position = parameters.chunk(2, dim=1)
        return join(mean, position + follow(known).to(position.dtype))

    def _q_plane(self, q: Tensor | None, like: Tensor) -> Tensor:
        """Return [B, 1, h, w], 0 to 1 as q [B] goes from lowest to highest."""
        batch, _, height, width = like.shape
        if q is None:
            return like.new_zeros(batch, 1, height, width)
        return self.quality(q).to(like.dtype).expand(batch, 1, height, width)
