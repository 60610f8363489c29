"""A check that lets everything through proves nothing: each must see what it is there for."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from nvczoo.codec.gop import Hierarchical, LowDelay
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.distributions import Laplace
from nvczoo.interfaces import (
    CodingStep,
    EntropyModel,
    IntraCodec,
    MotionEstimator,
    RateSampler,
    Reference,
    Setting,
    SymbolStream,
)
from nvczoo.interfaces.coder import SymbolDecoder
from nvczoo.testing import contracts


class Flow(MotionEstimator):
    """A sound estimator, unless ``spoil`` does something to its result."""

    def __init__(self, spoil: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.spoil = nn.Conv2d(6, 2, 1), spoil

    def forward(self, frame: Tensor, reference: Tensor) -> Tensor:
        return self.spoil(self.conv(torch.cat((frame, reference), 1)), frame)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda flow, frame: flow[:, :1], "the flow has the shape"),
        (lambda flow, frame: flow.double(), "float64, not float32"),
        (lambda flow, frame: flow / 0, "not finite"),
        (lambda flow, frame: flow + torch.rand_like(flow), "differs from call to call"),
        (lambda flow, frame: flow + flow.mean(0), "depends on what else is in the batch"),
        (lambda flow, frame: flow.detach(), "cut off from the gradient"),
        (lambda flow, frame: flow * 0, "all gradients of the flow are zero"),
        (lambda flow, frame: flow + frame.zero_().mean(), "changes the pictures"),
    ],
)
def test_motion_estimators(spoil: Callable[[Tensor, Tensor], Tensor], complaint: str) -> None:
    contracts.check_motion_estimator(Flow(lambda flow, frame: flow))
    with pytest.raises(AssertionError, match=complaint):
        contracts.check_motion_estimator(Flow(spoil))


class Rate(RateSampler):
    anchors = 2

    def __init__(self, highest: float = 63.0, slope: float = 0.1, reach: float = 1.0) -> None:
        super().__init__()
        self.highest, self.slope, self.reach = highest, slope, reach

    def draw(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        return self.highest * torch.rand(batch, generator=generator)

    def lagrangian(self, q: Tensor) -> Tensor:
        return torch.exp(self.slope * q)

    def interpolate(self, anchors: Tensor, q: Tensor) -> Tensor:
        return torch.lerp(anchors[:1], anchors[1:], self.reach * (q / 63)[:, None])[:, :, None, None]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"highest": 64.0}, "a draw is outside"),
        ({"slope": -0.1}, "does not rise with q"),
        ({"reach": 1.5}, "outside those of the knots"),
        ({"reach": 0.0}, "no gradient of the step sizes reaches some knot"),
    ],
)
def test_rate_samplers(options: dict, complaint: str) -> None:
    contracts.check_rate_sampler(Rate())
    with pytest.raises(AssertionError, match=complaint):
        contracts.check_rate_sampler(Rate(**options))


class Model(EntropyModel):
    """Codes with one scale a channel, and lets ``spoil`` do something to the result."""

    def __init__(self, channels: int, spoil: Callable[[Tensor, Tensor | None], Tensor]) -> None:
        super().__init__()
        self.position, self.spoil = nn.Parameter(torch.full((channels,), 40.0)), spoil

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        position = self.position.view(1, -1, 1, 1).expand(2, -1, *size)
        return self.spoil(stream.code("latent", latent, Laplace(position=position)), latent)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda coded, latent: coded if latent is None else latent, "what the decoder has is not"),
        (lambda coded, latent: coded[:, :1], "the decoded latent has the shape"),
        (lambda coded, latent: coded.detach(), "does not require grad"),
    ],
)
def test_entropy_models(spoil: Callable[[Tensor, Tensor | None], Tensor], complaint: str) -> None:
    contracts.check_entropy_model(Model(3, lambda coded, latent: coded), 3)
    with pytest.raises((AssertionError, RuntimeError), match=complaint):
        contracts.check_entropy_model(Model(3, spoil), 3)


def test_entropy_models_with_a_wrong_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Laplace, "bits", lambda self, symbols: symbols.abs() * 0 + 9)
    with pytest.raises(AssertionError, match=r"bits are written, \d+ were estimated"):
        contracts.check_entropy_model(Model(100, lambda coded, latent: coded), 100)


@dataclass(frozen=True)
class Count:
    symbols: Tensor


class Intra(IntraCodec):
    """Codes every eighth sample; ``memory`` is what it leaves behind besides."""

    stride = 8

    def __init__(self, memory: Callable[[Tensor | None, Tensor], Count], gain: float = 1.0) -> None:
        super().__init__()
        self.position, self.memory, self.gain = nn.Parameter(torch.tensor(60.0)), memory, gain

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        height, width = (side // 8 for side in setting.size)
        latent = None if frame is None else 255 * nn.functional.avg_pool2d(frame, 8)
        symbols = stream.code("latent", latent, Laplace(position=self.position.expand(2, 3, height, width)))
        picture = nn.functional.interpolate(symbols / 255, scale_factor=8.0)
        return Reference(picture * self.gain, self.memory(latent, symbols))


def test_frame_codecs() -> None:
    contracts.check_frame_codec(Intra(lambda latent, symbols: Count(symbols)))
    with pytest.raises(AssertionError, match="what the decoder has is not what the encoder has"):
        contracts.check_frame_codec(
            Intra(lambda latent, symbols: Count(symbols if latent is None else latent))
        )
    with pytest.raises(AssertionError, match=re.escape("leaves 0..1")):
        contracts.check_frame_codec(Intra(lambda latent, symbols: Count(symbols), gain=3.0))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda step: CodingStep(step.frames, (step.frames[0] + 1,)), "not decoded yet"),
        (lambda step: CodingStep((0,)), "codes a frame again"),
        (lambda step: CodingStep(step.frames, level=-1), "negative level"),
        (lambda step: CodingStep(step.frames, step.references * 3), "too many references"),
        (lambda step: CodingStep(step.frames, tuple(reversed(step.references))), "not nearest first"),
        (lambda step: CodingStep(step.frames, (0,)), "refers further back than reach=4"),
        (lambda step: CodingStep(step.frames, step.references and (step.frames[0] - 1,)), "point of entry"),
    ],
)
def test_gop_structures(change: Callable[[CodingStep], CodingStep], complaint: str) -> None:
    class Spoilt(LowDelay):
        def steps(self, first: int, count: int) -> tuple[CodingStep, ...]:
            return tuple(change(one) if one.frames[0] > 5 else one for one in super().steps(first, count))

        def is_entry(self, frame: int) -> bool:
            return frame % 8 == 0

    with pytest.raises(AssertionError, match=complaint):
        contracts.check_gop_structure(Spoilt(intra_period=-1))


def test_gop_structures_that_leave_frames_out() -> None:
    class Spoilt(Hierarchical):
        def steps(self, first: int, count: int) -> tuple[CodingStep, ...]:
            return super().steps(first, count)[:3]

    with pytest.raises(AssertionError, match="are not coded"):
        contracts.check_gop_structure(Spoilt(8, 8))


def test_entropy_coders_that_do_not_check_their_end() -> None:
    class Careless(NativeCoder):
        def decoder(self, data: bytes | memoryview) -> SymbolDecoder:
            return super().decoder(self.whole if len(data) else data)

        def encoder(self):
            inner, outer = super().encoder(), self

            class Keeping:
                push = staticmethod(inner.push)

                def finish(self) -> bytes:
                    outer.whole = inner.finish()
                    return outer.whole

            return Keeping()

    contracts.check_entropy_coder(NativeCoder())
    with pytest.raises(AssertionError, match="decoded without a StreamError"):
        contracts.check_entropy_coder(Careless())
