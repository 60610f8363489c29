"""The inter codec of DCVC-TCM: contexts at three scales of what was decoded before, in every network.

Sheng et al., "Temporal context mining for learned video compression" (DCVC-TCM), IEEE TMM 2022.
"""

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
from nvczoo.layers import ResidualBlock, conv3
from nvczoo.layers.contextual import ContextualAnalysis, ContextualSynthesis, Reconstruction
from nvczoo.layers.conv import deconv
from nvczoo.layers.gdn import GDN, IGDN
from nvczoo.layers.residual import OUTER_SLOPE, ActivatedResidual

from .conditional import LATENT_STRIDE, ConditionalInter, MotionCodec
from .published_keys import TCM_INTER


class TcmInter(ConditionalInter):
    """Codes a P frame from the last frame; ``q`` has no effect."""

    published = TCM_INTER

    def __init__(
        self,
        motion_estimator: MotionEstimator,
        context_fuser: ContextFuser,
        entropy_model: EntropyModel,
        motion_entropy_model: EntropyModel,
        latent_channels: int = 96,
        motion_channels: int = 128,
        layout: Layout = "rgb",
    ) -> None:
        super().__init__(motion_estimator, context_fuser, layout)
        self.motion = TcmMotion(motion_entropy_model, motion_channels)
        self.entropy_model = entropy_model
        widths, image_channels = context_fuser.channels, self.grid.channels
        self.analysis = ContextualAnalysis(image_channels, widths, latent_channels, _halved, GDN)
        self.temporal_prior = TemporalPrior(widths, latent_channels)
        self.synthesis = ContextualSynthesis(widths, latent_channels, _halved, IGDN)
        self.reconstruction = Reconstruction(widths[0], image_channels, _same_width)

    def analyse(self, frame: Tensor, contexts: Pyramid, q: Tensor) -> Tensor:
        """Return the latent of a frame, [B, C, H/16, W/16]."""
        return self.analysis(frame, contexts)

    def prior(self, contexts: Pyramid, memory: ConditionalMemory) -> Tensor:
        """Return what the contexts tell, [B, 2 C, H/16, W/16]."""
        return self.temporal_prior(contexts)

    def reconstruct(
        self, latent: Tensor, contexts: Pyramid, q: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return the latent, the feature, and the picture."""
        return latent, *self.reconstruction(self.synthesis(latent, contexts), contexts[0])


class TemporalPrior(nn.Module):
    """Contexts at three scales -> features of the latent's size, two channels for each of its own."""

    def __init__(self, channels: tuple[int, ...], latent_channels: int) -> None:
        super().__init__()
        fine, middle, coarse = channels
        widths = (fine, latent_channels, 3 * latent_channels // 2, 2 * latent_channels)
        known = (fine, fine + middle, latent_channels + coarse, widths[2])
        self.convs = nn.ModuleList(
            conv3(told, width, stride=2) for told, width in zip(known, widths, strict=True)
        )
        self.norms = nn.ModuleList(GDN(width) for width in widths[:-1])

    def forward(self, contexts: Pyramid) -> Tensor:
        """Return [B, 2 * latent_channels, H/16, W/16]."""
        x = contexts[0]
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=False)):
            x = norm(conv(x))
            if number + 1 < len(contexts):
                x = torch.cat((x, contexts[number + 1]), dim=1)
        return self.convs[-1](x)


class TcmMotion(MotionCodec):
    """Codes a flow field [B, 2, H, W] as a latent [B, channels, H/16, W/16]."""

    def __init__(self, entropy_model: EntropyModel, channels: int = 128) -> None:
        super().__init__()
        self.entropy_model = entropy_model
        self.analysis = _motion_analysis(channels)
        self.synthesis = nn.Sequential(
            deconv(channels, channels, 3),
            nn.LeakyReLU(OUTER_SLOPE),
            LinearResidual(channels),
            IGDN(channels),
            deconv(channels, channels, 3),
            IGDN(channels),
            deconv(channels, channels, 3),
            IGDN(channels),
            deconv(channels, 2, 3),
        )

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
        return self.synthesis(latent).float(), ConditionalMemory(motion_latent=latent)


class LinearResidual(nn.Module):
    """x + conv(act(conv(x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3(channels, channels)
        self.conv2 = conv3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        return self.conv2(nn.functional.leaky_relu(self.conv1(x), inplace=True)).add_(x)


def _motion_analysis(channels: int) -> nn.Sequential:
    """Return four halvings, a normalised residual block behind each but the last."""
    layers: list[nn.Module] = []
    for known in (2, channels, channels):
        layers += [conv3(known, channels, stride=2), GDN(channels), LinearResidual(channels)]
        layers.append(nn.LeakyReLU(OUTER_SLOPE))
    return nn.Sequential(*layers, conv3(channels, channels, stride=2))


def _halved(channels: int) -> nn.Module:
    """Return the residual block between contexts, half as wide inside."""
    return ActivatedResidual(channels, channels // 2, OUTER_SLOPE)


def _same_width(channels_in: int, channels_out: int) -> nn.Module:
    """Return a block of the reconstruction, which keeps the width."""
    assert channels_in == channels_out
    return ResidualBlock(channels_in)
