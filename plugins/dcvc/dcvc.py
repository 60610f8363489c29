"""The inter codec of DCVC: one context at full size, and serial priors.

Li, Li and Lu, "Deep contextual video compression" (DCVC), NeurIPS 2021.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.interfaces import (
    ContextFuser,
    EntropyModel,
    Layout,
    MotionEstimator,
    Pyramid,
    Reference,
    SymbolStream,
)
from nvczoo.layers import ResidualBlock, conv3, double
from nvczoo.layers.conv import conv, deconv
from nvczoo.layers.gdn import GDN, IGDN
from nvczoo.layers.residual import OUTER_SLOPE, ActivatedResidual

from .conditional import LATENT_STRIDE, ConditionalInter, MotionCodec
from .published_keys import DCVC_INTER

KERNEL = 5  # of the analyses
REFINEMENTS = 5  # convolutions between the first and the last of the flow's refinement


class DcvcInter(ConditionalInter):
    """Codes a P frame from the last frame; ``q`` has no effect."""

    published = DCVC_INTER

    def __init__(
        self,
        motion_estimator: MotionEstimator,
        context_fuser: ContextFuser,
        entropy_model: EntropyModel,
        motion_entropy_model: EntropyModel,
        latent_channels: int = 96,
        motion_channels: int = 128,
        hidden_channels: int = 64,
        layout: Layout = "rgb",
    ) -> None:
        super().__init__(motion_estimator, context_fuser, layout)
        told, image, hidden = context_fuser.channels[0], self.grid.channels, hidden_channels
        self.motion = DcvcMotion(motion_entropy_model, image, motion_channels, hidden)
        self.entropy_model = entropy_model
        self.temporal_prior = _halvings((told, hidden, hidden, hidden, latent_channels), KERNEL)
        self.analysis = nn.Sequential(
            conv(image + told, hidden, KERNEL, stride=2),
            GDN(hidden),
            ActivatedResidual(hidden, slope=OUTER_SLOPE),
            conv(hidden, hidden, KERNEL, stride=2),
            GDN(hidden),
            ActivatedResidual(hidden, slope=OUTER_SLOPE),
            conv(hidden, hidden, KERNEL, stride=2),
            GDN(hidden),
            conv(hidden, latent_channels, KERNEL, stride=2),
        )
        self.synthesis = nn.Sequential(
            double(latent_channels, hidden),
            IGDN(hidden),
            double(hidden, hidden),
            IGDN(hidden),
            ActivatedResidual(hidden, slope=OUTER_SLOPE),
            double(hidden, hidden),
            IGDN(hidden),
            ActivatedResidual(hidden, slope=OUTER_SLOPE),
            double(hidden, hidden),
        )
        self.reconstruction = nn.Sequential(
            conv3(hidden + told, hidden),
            ResidualBlock(hidden, slope=0.0),
            ResidualBlock(hidden, slope=0.0),
            conv3(hidden, image),
        )

    def analyse(self, frame: Tensor, contexts: Pyramid, q: Tensor) -> Tensor:
        """Return the latent of a frame, [B, C, H/16, W/16]."""
        return self.analysis(torch.cat((frame, contexts[0]), dim=1))

    def prior(self, contexts: Pyramid, memory: ConditionalMemory) -> Tensor:
        """Return what the context tells, [B, C, H/16, W/16]."""
        return self.temporal_prior(contexts[0])

    def reconstruct(
        self, latent: Tensor, contexts: Pyramid, q: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return the latent, no feature, and the picture: of a frame DCVC keeps the picture alone."""
        features = torch.cat((self.synthesis(latent), contexts[0]), dim=1)
        return latent, None, self.reconstruction(features)


class DcvcMotion(MotionCodec):
    """Codes a flow field [B, 2, H, W] as a latent [B, C, H/16, W/16]; the reference helps to mend it."""

    def __init__(self, entropy_model: EntropyModel, image_channels: int, channels: int, hidden: int) -> None:
        super().__init__()
        self.entropy_model = entropy_model
        self.analysis = _halvings((2, channels, channels, channels, channels), kernel=3)
        doublings: list[nn.Module] = []
        for _ in range(3):
            doublings += [deconv(channels, channels, 3), IGDN(channels)]
        self.synthesis = nn.Sequential(*doublings, deconv(channels, 2, 3))
        layers: list[nn.Module] = [conv3(2 + image_channels, hidden), nn.LeakyReLU(OUTER_SLOPE)]
        for _ in range(REFINEMENTS):
            layers += [conv3(hidden, hidden), nn.LeakyReLU(OUTER_SLOPE)]
        self.refine = nn.Sequential(*layers, conv3(hidden, 2))

    def code(
        self,
        stream: SymbolStream,
        flow: Tensor | None,
        reference: Reference,
        grid: tuple[int, int],
        q: Tensor,
    ) -> tuple[Tensor, ConditionalMemory]:
        """Return the decoded flow [B, 2, H, W] and its latent; see ``MotionCodec``."""
        size = (grid[0] // LATENT_STRIDE, grid[1] // LATENT_STRIDE)
        latent = None if flow is None else self.analysis(flow)
        latent = self.entropy_model.code(stream, latent, size, q=q)
        decoded = self.synthesis(latent)
        mended = decoded + self.refine(torch.cat((decoded, reference.frame), dim=1))
        return mended.float(), ConditionalMemory(motion_latent=latent)


def _halvings(widths: tuple[int, ...], kernel: int) -> nn.Sequential:
    """Return convolutions that halve the size, normalised but for the last."""
    *before, last = pairwise(widths)
    layers: list[nn.Module] = []
    for known, width in before:
        layers += [conv(known, width, kernel, stride=2), GDN(width)]
    return nn.Sequential(*layers, conv(*last, kernel, stride=2))
