"""What a clip will cost and look like, without a bitstream; differentiable, for training and evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nvczoo.codec.arithmetic import limited
from nvczoo.codec.gop_options import group_of
from nvczoo.codec.lookahead import LOOKAHEAD, plans_of_clip
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.entropy.streams import BitCounter
from nvczoo.errors import ShapeError
from nvczoo.interfaces import CodingStep, GopStructure, Plan, Setting

if TYPE_CHECKING:
    from nvczoo.codec.video_codec import VideoCodec


@dataclass(frozen=True)
class Estimate:
    """Decoded frames and the bits of each, by part."""

    frames: Tensor  # [B, T, C, H, W] in the codec's layout, as decoded
    bits: Mapping[str, Tensor]  # part -> [B, T]; a chunk's bits are shared out evenly among its frames
    notes: tuple[Mapping[str, Tensor], ...]  # per frame: what the codec noted on the way

    @property
    def total(self) -> Tensor:
        """Bits of each frame, [B, T]."""
        return torch.stack(tuple(self.bits.values())).sum(0)


@dataclass(frozen=True)
class _Coded:
    frame: Tensor  # [B, C, H, W]
    bits: Mapping[str, Tensor]  # [B] each
    notes: Mapping[str, Tensor]


def estimate_clip(
    codec: VideoCodec,
    clip: Tensor,
    q: Tensor,
    gop: GopStructure,
    training: bool,
    effort: int,
    lookahead: int = LOOKAHEAD,
) -> Estimate:
    """Return the estimate for a padded clip [B, T, C, H, W] at ``q`` [B]; frame 0 is an intra frame."""
    _check(codec, clip)
    references = ReferenceBuffer()
    coded: dict[int, _Coded] = {}
    plans = plans_of_clip(codec, clip, q, gop, effort, lookahead)
    count = clip.shape[1]
    first = 0
    while first < count:
        group = group_of(gop, first, count - first)
        for number, step in enumerate(group.steps):
            plan = plans[step.frames[0]]
            coded |= _code_step(codec, clip, q, step, references, training, effort, plan)
            references.release(group.steps[number + 1 :], group.horizon)
        first = group.last + 1
    return _joined([coded[at] for at in range(count)])


def _check(codec: VideoCodec, clip: Tensor) -> None:
    channels = 6 if codec.layout == "packed420" else 3
    unit = codec.stride // 2 if codec.layout == "packed420" else codec.stride
    if clip.ndim != 5 or clip.shape[2] != channels or clip.shape[1] == 0:
        raise ShapeError(
            f"A clip in the layout {codec.layout} is [B, T, {channels}, H, W], not {list(clip.shape)}"
        )
    if clip.shape[3] % unit or clip.shape[4] % unit:
        raise ShapeError(f"The clip's H and W must be multiples of {unit}, not {list(clip.shape[3:])}")


def _code_step(
    codec: VideoCodec,
    clip: Tensor,
    q: Tensor,
    step: CodingStep,
    references: ReferenceBuffer,
    training: bool,
    effort: int,
    plan: Plan | None,
) -> dict[int, _Coded]:
    frame_codec = codec.codec_of(step)
    scale = 2 if codec.layout == "packed420" else 1
    size = clip.shape[3] * scale, clip.shape[4] * scale
    worth = None if plan is None else plan.worth
    setting = Setting(step.quality(q, plan), size, step.level, step.distances, effort, worth)
    chosen = list(step.frames) + [step.frames[-1]] * (frame_codec.frames_per_step - len(step.frames))
    if frame_codec.frames_per_step == 1:
        image = clip[:, step.frames[0]].contiguous(memory_format=torch.channels_last)
    else:
        image = clip[:, chosen]
    counter = BitCounter(training)
    symbols = limited(counter, codec.profile)
    reference = frame_codec.code(image, references.of(step), setting, symbols)
    references.add(step, reference)
    share = len(step.frames)
    bits = {name: value / share for name, value in counter.bits.items()}
    decoded = reference.frame.float()
    decoded = decoded if decoded.ndim == 5 else decoded.unsqueeze(1)
    return {frame: _Coded(decoded[:, at], bits, counter.notes) for at, frame in enumerate(step.frames)}


def _joined(coded: list[_Coded]) -> Estimate:
    parts = dict.fromkeys(name for one in coded for name in one.bits)
    nothing = torch.zeros(coded[0].frame.shape[0], device=coded[0].frame.device)
    bits = {name: torch.stack([one.bits.get(name, nothing) for one in coded], 1) for name in parts}
    return Estimate(torch.stack([one.frame for one in coded], 1), bits, tuple(one.notes for one in coded))
