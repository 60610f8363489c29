"""The intra codec of DCVC-TCM and, with a serial prior, of DCVC: residual blocks and GDN.

Cheng et al., "Learned image compression with discretized Gaussian mixture likelihoods and attention
modules", CVPR 2020, in the variant that CompressAI calls cheng2020-anchor; one network per rate.
"""

from functools import partial

from torch import Tensor, nn

from nvczoo.interfaces import EntropyModel, IntraCodec, Layout, Reference, Setting, SymbolStream
from nvczoo.layers import LAYOUTS, conv3, double
from nvczoo.layers.gdn import GDN, IGDN
from nvczoo.layers.residual import ActivatedResidual, ResidualDown, ResidualUp

from .published_keys import CHENG2020

LATENT_STRIDE = 16
PADDING_STRIDE = 64  # of the published models: the hyper latent comes out even
HALVINGS = 3  # with a way around them; a plain one follows

_Down = partial(ResidualDown, finish=GDN)
_Up = partial(ResidualUp, finish=IGDN, enlarge=double)


class Cheng2020(IntraCodec):
    """Codes a frame on its own; ``q`` has no effect."""

    published = CHENG2020

    def __init__(
        self, entropy_model: EntropyModel, latent_channels: int = 192, layout: Layout = "rgb"
    ) -> None:
        super().__init__()
        grid = LAYOUTS[layout]
        self.layout, self.stride = layout, PADDING_STRIDE * grid.spacing
        self.spacing = grid.spacing
        self.entropy_model = entropy_model
        width = latent_channels
        analysis: list[nn.Module] = []
        synthesis: list[nn.Module] = []
        for number in range(HALVINGS):
            analysis += [_Down(width if number else grid.channels, width), ActivatedResidual(width)]
            synthesis += [ActivatedResidual(width), _Up(width, width)]
        self.analysis = nn.Sequential(*analysis, conv3(width, width, stride=2))
        self.synthesis = nn.Sequential(*synthesis, ActivatedResidual(width), double(width, grid.channels))

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it; see ``FrameCodec``."""
        height, width = (side // (LATENT_STRIDE * self.spacing) for side in setting.size)
        latent = None if frame is None else self.analysis(frame)
        latent = self.entropy_model.code(stream.part("intra"), latent, (height, width), q=setting.q)
        return Reference(self.synthesis(latent).clamp(0, 1))
