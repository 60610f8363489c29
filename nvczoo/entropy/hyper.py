"""The side latent that is coded first: a learned density, no context."""

from torch import Tensor, nn

from nvczoo.entropy.density import Density
from nvczoo.interfaces import SymbolStream
from nvczoo.layers import pad_to_multiple

HYPER_STRIDE = 4  # the hyper latent is this much smaller than the latent


class HyperCodec(nn.Module):
    """Codes what is left of a latent after two halvings, rounded, and makes features of it."""

    def __init__(self, analysis: nn.Module, synthesis: nn.Module, density: Density) -> None:
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
        values = None if latent is None else self.analysis(pad_to_multiple(latent, HYPER_STRIDE))
        symbols = stream.code("latent", values, self.density.distribution((height, width), q, batch))
        stream.note("symbols", symbols)
        return self.synthesis(symbols)
