"""Motion converge: flows to both references, at three scales, in one latent.

Liu et al., "Neural B-frame video compression with bi-directional reference harmonization" (BRHVC),
NeurIPS 2025.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.interfaces import EntropyModel, MotionEstimator, RateSampler, SymbolStream
from nvczoo.layers import conv3, crop, pad_to_multiple
from nvczoo.layers.depthwise import depthwise_block
from nvczoo.layers.quality import QualityGain
from nvczoo.layers.residual import ResidualDown, ResidualUp

from .prior import code_between
from .sides import BySide

SCALES = 3  # of flows: 1, 1/2, 1/4
FLOW_STRIDE = 16  # pictures are padded to multiples of this before flow is looked for
RELATION_CHANNELS = 48
SLOPE = 0.1

Flows = tuple[Tensor, ...]  # [B, 2, H/s, W/s] each in pixels of its own scale, finest first


@dataclass(frozen=True)
class Relation:
    """How the two references lie to each other, which both sides know."""

    to_earlier: Tensor  # [B, 2, H, W]: half the flow by which the earlier gives the later one
    to_later: Tensor

    @property
    def earlier_first(self) -> Tensor:
        """Both flows, [B, 4, H, W]."""
        return torch.cat((self.to_earlier, self.to_later), dim=1)

    @property
    def later_first(self) -> Tensor:
        """Both flows in the other order, [B, 4, H, W]."""
        return torch.cat((self.to_later, self.to_earlier), dim=1)


def flows_at_scales(estimator: MotionEstimator, frame: Tensor, reference: Tensor) -> Flows:
    """Return the flow from ``frame`` to ``reference`` at each scale, found anew at each."""
    found = []
    for scale in range(SCALES):
        if scale:
            frame, reference = F.avg_pool2d(frame, 2), F.avg_pool2d(reference, 2)
        size = (frame.shape[2], frame.shape[3])
        padded = (pad_to_multiple(one, FLOW_STRIDE) for one in (frame, reference))
        found.append(crop(estimator(*padded), size))
    return tuple(found)


def _strided(widths: Sequence[int]) -> nn.Sequential:
    """Return halvings with leaky ReLUs between."""
    layers: list[nn.Module] = []
    for channels_in, channels_out in pairwise(widths):
        layers += [conv3(channels_in, channels_out, stride=2), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers[:-1])


class ConvergedMotion(nn.Module):
    """Codes the flows to both references as one latent [B, channels, H/16, W/16]."""

    def __init__(
        self, entropy_model: EntropyModel, rate_sampler: RateSampler, channels: int = 64, strided: int = 48
    ) -> None:
        super().__init__()
        self.channels = channels
        self.rate_sampler = rate_sampler
        self.entropy_model = entropy_model
        twice, wide = 2 * channels, (channels, channels)
        self.relation = _strided((4, strided, channels))
        self.merge = nn.ModuleList(
            nn.Sequential(
                conv3(channels_in, channels, stride=stride), nn.LeakyReLU(), nn.Conv2d(channels, channels, 1)
            )
            for channels_in, stride in ((2, 2), (channels + 2, 2), (channels + 2, 1))
        )
        self.analysis = nn.Sequential(ResidualDown(3 * channels, channels), ResidualDown(*wide))
        self.encoder_gain = QualityGain(rate_sampler, channels)
        self.recall = nn.Sequential(depthwise_block(twice, channels, 2), depthwise_block(*wide, 2))
        self.join = BySide(channels, channels, channels)
        self.leave = depthwise_block(*wide)
        self.temporal_prior = _strided((4, strided, channels, channels, channels))
        self.synthesis = nn.Sequential(ResidualUp(*wide), ResidualUp(channels, twice))
        self.diverge = depthwise_block(3 * channels, twice)
        self.decoder_gain = QualityGain(rate_sampler, channels)
        self.heads = nn.ModuleList(conv3(channels, 2, gain=0.1) for _ in range(SCALES))  # finest first
        self.grow = nn.ModuleList(
            nn.Sequential(ResidualUp(*wide), depthwise_block(*wide)) for _ in range(SCALES - 1)
        )

    def code(
        self,
        stream: SymbolStream,
        flows: tuple[Flows, Flows] | None,
        relation: Relation,
        memories: tuple[ConditionalMemory, ConditionalMemory],
        q: Tensor,
    ) -> tuple[tuple[Flows, Flows], ConditionalMemory]:
        """Return decoded flows to the earlier and the later reference, and what to remember of them."""
        related = self.relation(relation.earlier_first)
        latent = None if flows is None else self._analyse(flows, related, memories, q)
        earlier, later = memories
        sides = (earlier.motion_latent, later.motion_latent)
        prior = self.temporal_prior(relation.later_first)
        latent = code_between(self.entropy_model, stream, latent, prior, sides, self.channels, q)
        feature = self.diverge(torch.cat((self.synthesis(latent), related), dim=1))
        gain = self.decoder_gain(self.rate_sampler, q)
        to_earlier, to_later = (self._flows(half * gain) for half in feature.chunk(2, dim=1))
        return (to_earlier, to_later), ConditionalMemory(motion_latent=latent, motion_feature=feature)

    def _analyse(
        self,
        flows: tuple[Flows, Flows],
        related: Tensor,
        memories: tuple[ConditionalMemory, ConditionalMemory],
        q: Tensor,
    ) -> Tensor:
        merged = [self._merged(one) for one in flows]
        x = self.analysis(torch.cat((*merged, related), dim=1)) * self.encoder_gain(self.rate_sampler, q)
        earlier, later = (
            None if memory.motion_feature is None else self.recall(memory.motion_feature)
            for memory in memories
        )
        return self.leave(self.join(x, (earlier, later)))

    def _merged(self, flows: Flows) -> Tensor:
        """Return features [B, channels, H/4, W/4] of the flows of one direction."""
        fine, *coarser = flows
        x = self.merge[0](fine)
        for block, flow in zip(list(self.merge)[1:], coarser, strict=True):
            x = block(torch.cat((x, flow), dim=1))
        return x

    def _flows(self, x: Tensor) -> Flows:
        """Return the flows of one direction, each from the features at its scale."""
        found = [self.heads[-1](x).float()]
        for grow, head in zip(reversed(self.grow), list(self.heads)[-2::-1], strict=True):
            x = grow(x)
            found.append(head(x).float())
        return tuple(reversed(found))
