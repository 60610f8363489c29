"""The smallest parts that can be assembled, so that assembly is tested without a real codec."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from nvczoo.cards import ModelCard
from nvczoo.interfaces import (
    EntropyModel,
    InterCodec,
    IntraCodec,
    MotionEstimator,
    RateSampler,
    Reference,
    Setting,
    SymbolStream,
)


class SmallMotion(MotionEstimator):
    def __init__(self, width: int = 2, gain: float = 1.0) -> None:
        super().__init__()
        self.width, self.gain = width, gain
        self.conv = nn.Conv2d(6, width, 1)

    def forward(self, frame: Tensor, reference: Tensor) -> Tensor:
        return self.conv(torch.cat((frame, reference), 1))[:, :2]


class OtherMotion(SmallMotion):
    def __init__(self, width: int = 2, kernel: int = 3) -> None:
        super().__init__(width)
        self.conv = nn.Conv2d(6, width, kernel, padding=kernel // 2)


class SmallRate(RateSampler):
    def __init__(self, anchors: int = 2) -> None:
        super().__init__()
        self.anchors = anchors
        self.knots = nn.Parameter(torch.linspace(0, 63, anchors))

    def draw(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        return 63 * torch.rand(batch, generator=generator)

    def lagrangian(self, q: Tensor) -> Tensor:
        return torch.exp(q / 10)

    def interpolate(self, anchors: Tensor, q: Tensor) -> Tensor:
        return torch.lerp(anchors[:1], anchors[-1:], (q / 63)[:, None])[:, :, None, None]


class SmallModel(EntropyModel):
    def __init__(self, channels: int, context_channels: int = 0) -> None:
        super().__init__()
        self.channels, self.context_channels = channels, context_channels
        self.scale = nn.Parameter(torch.ones(channels))

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        raise NotImplementedError


class OtherModel(SmallModel):
    """Takes the rate sampler from the level above."""

    def __init__(self, channels: int, rate_sampler: RateSampler, extra: int = 5) -> None:
        super().__init__(channels)
        self.rate_sampler, self.extra = rate_sampler, extra


class SmallIntra(IntraCodec):
    stride = 4

    def __init__(self, entropy_model: EntropyModel, rate_sampler: RateSampler) -> None:
        super().__init__()
        self.entropy_model, self.rate_sampler = entropy_model, rate_sampler
        self.steps = nn.Parameter(torch.ones(rate_sampler.anchors, 3))

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        raise NotImplementedError


class SmallInter(InterCodec):
    stride = 4

    def __init__(
        self,
        motion_estimator: MotionEstimator,
        rate_sampler: RateSampler,
        entropy_model: EntropyModel,
        base: InterCodec | None = None,
        widths: tuple[int, ...] = (4, 8),
    ) -> None:
        super().__init__()
        self.motion_estimator, self.rate_sampler = motion_estimator, rate_sampler
        self.inner = nn.ModuleDict(
            {"model": entropy_model}
        )  # not under the argument's name, as in real codecs
        self.base, self.widths = base, widths
        self.conv = nn.Conv2d(3, widths[0], 1)

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        raise NotImplementedError


SMALL = {
    ("motion_estimator", "small"): SmallMotion,
    ("motion_estimator", "other"): OtherMotion,
    ("rate_sampler", "small"): SmallRate,
    ("entropy_model", "small"): SmallModel,
    ("entropy_model", "other"): OtherModel,
    ("intra_codec", "small"): SmallIntra,
    ("inter_codec", "small"): SmallInter,
}

SMALL_CARD = """
summary = "small"
licence = "BSD-3-Clause"
gop = {name = "low-delay", intra_period = 8, long_term = 0}
rate_sampler = "small"
intra = {name = "small", entropy_model = {name = "small", channels = 4}}

[inter]
name = "small"
widths = [4, 8]
motion_estimator = {name = "small", width = 3, gain = 2}
entropy_model = {name = "small", channels = 4, context_channels = 2}
"""


def small_card(folder: Path, more: str = "", name: str = "small.toml") -> Path:
    """Return a card file in the folder."""
    path = folder / name
    path.write_text(more + SMALL_CARD)
    return path


def untrained(card: ModelCard) -> ModelCard:
    return replace(card, weights=None)
