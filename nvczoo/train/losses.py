"""The loss of a stage: a clip coded frame by frame, each frame's cost by the stage's terms."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from nvczoo.codec.gop_options import group_of
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.entropy.streams import BitCounter, Rows
from nvczoo.errors import SettingError
from nvczoo.interfaces import CodingStep, InterCodec, IntraCodec, Layout, Reference, Setting
from nvczoo.layers import LAYOUTS, double_flow
from nvczoo.train.networks import Networks
from nvczoo.train.objective import as_layout, balanced, distortion
from nvczoo.train.stages import Stage
from nvczoo.video.distortion import mse_611

MOTION = "motion"  # what the names of a codec's motion latents begin with
PREDICTION, FLOW = "prediction", "flow"  # notes of codecs: the reference moved; the estimated motion
SEEN = ("bpp", "motion_bpp", "mse", "endpoint")  # of a frame, for the log; endpoint in pixels of luma


@dataclass(frozen=True)
class Batch:
    """Clips in the ``packed420`` layout, and the quality to code each at."""

    clip: Tensor  # [B, T, 6, H/2, W/2] in 0..1
    q: Tensor  # [B]
    rows: Rows  # which clips of the step's whole batch these are
    flow: Tensor | None = None  # [B, T - 1, 2, H/2, W/2] from each frame to the one before, where known
    intra_q: Tensor | None = None  # [B], of frames without references where the GOP structure does not say it


@dataclass(frozen=True)
class Coded:
    """A frame as a codec left it, and what it was."""

    stream: BitCounter
    result: Reference
    original: Tensor  # [B, C, h, w] in the codec's layout
    layout: Layout
    references: tuple[Reference, ...]
    flow: Tensor | None  # the true one to the first reference, on the layout's grid

    @property
    def pixels(self) -> int:
        """Luma samples of a frame."""
        height, width = self.original.shape[-2:]
        return height * width * LAYOUTS[self.layout].spacing ** 2

    def bpp(self, motion: bool) -> Tensor:
        """Return bits per luma sample [B] of motion, or of all else."""
        bits = [one for name, one in self.stream.bits.items() if name.startswith(MOTION) == motion]
        total = torch.stack(bits).sum(0) if bits else torch.zeros_like(self.original[:, 0, 0, 0])
        return total / self.pixels

    def endpoint(self) -> Tensor | None:
        """Return the mean distance [B] between estimated and true flow in luma samples, where it is known."""
        if self.flow is None or FLOW not in self.stream.notes:
            return None
        squares = (self.stream.notes[FLOW].float() - self.flow).square().sum(1)
        # The root has no gradient at zero.
        return LAYOUTS[self.layout].spacing * squares.clamp_min(1e-12).sqrt().mean(dim=(1, 2))

    def seen(self) -> Tensor:
        """Return what the log shows, [4] as ``SEEN`` names it; NaN where it is not known."""
        endpoint = self.endpoint()
        unknown = self.original.new_full((1,), torch.nan)
        motion = self.bpp(motion=True)
        mse = mse_611(self.result.frame, self.original, self.layout)
        values = (motion + self.bpp(motion=False), motion, mse, unknown if endpoint is None else endpoint)
        return torch.stack([one.detach().float().mean() for one in values])


class _AllNoted(Exception):
    """All that a stage's terms ask of a frame is known."""


class _Watch(BitCounter):
    """A counter that ends a frame where the last of the wanted notes is left."""

    def __init__(self, wanted: frozenset[str], rows: Rows) -> None:
        super().__init__(training=True, rows=rows)
        self.wanted = wanted

    def note(self, name: str, tensor: Tensor) -> None:
        super().note(name, tensor)
        if self.wanted and self.wanted <= self.notes.keys():
            raise _AllNoted


class StageLoss(nn.Module):
    """Clips in, loss out: the module that is trained, whole, so that processes can share the work."""

    def __init__(self, networks: Networks, stage: Stage) -> None:
        super().__init__()
        self.codecs = networks.modules()
        self.networks = networks
        self.stage = stage
        if stage.frames > 1 and networks.inter is None:
            raise SettingError(f"Stage {stage.name!r} has P frames; the model is an image codec: frames = 1")
        if stage.frames == 1 and any(path.split(".")[0] == "inter" for path in stage.trains):
            raise SettingError(f"Stage {stage.name!r} trains the inter codec; that needs frames = 2 or more")
        for codec in (networks.intra, networks.inter):
            if codec is not None and codec.frames_per_step > 1:
                raise SettingError(f"{type(codec).__name__} codes chunks of frames; training cannot do that")
            if codec is not None and stage.side % codec.stride:
                raise SettingError(
                    f"Stage {stage.name!r}: side = {stage.side} is no multiple of {codec.stride}, "
                    f"the stride of {type(codec).__name__}"
                )

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss, and [T, 4] of what ``SEEN`` names, each frame in display order."""
        losses: list[Tensor] = []
        seen: dict[int, Tensor] = {}
        references = ReferenceBuffer()
        first, count = 0, batch.clip.shape[1]
        while first < count:
            group = group_of(self.networks.gop, first, count - first)
            for number, step in enumerate(group.steps):
                result, loss, values = self._step(step, batch, references.of(step))
                if loss is not None:
                    losses.append(loss)
                seen[step.frames[0]] = values
                references.add(step, self._remembered(step, result, batch))
                references.release(group.steps[number + 1 :], group.horizon)
            first = group.last + 1
        return torch.stack(losses).sum() / count, torch.stack([seen[frame] for frame in sorted(seen)])

    def _step(
        self, step: CodingStep, batch: Batch, references: tuple[Reference, ...]
    ) -> tuple[Reference, Tensor | None, Tensor]:
        """Return a frame as decoded, its weighed loss unless nothing in its codec is trained, and its log."""
        codec = self.networks.inter if step.references else self.networks.intra
        assert codec is not None
        if not any(one.requires_grad for one in codec.parameters()):
            if self.stage.references == "original":  # nobody will see what the codec makes of the frame
                nothing = batch.clip.new_full((len(SEEN),), torch.nan)
                return Reference(batch.clip[:, step.frames[0]]), None, nothing
            with torch.no_grad():
                result, _, seen = self._code(codec, step, batch, references)
            return result, None, seen
        if self.stage.recompute and torch.is_grad_enabled():
            found: Any = checkpoint(self._code, codec, step, batch, references, use_reentrant=False)
            return found
        return self._code(codec, step, batch, references)

    def _code(
        self, codec: IntraCodec | InterCodec, step: CodingStep, batch: Batch, references: Sequence[Reference]
    ) -> tuple[Reference, Tensor, Tensor]:
        wanted = self._notes_enough() if step.references else frozenset()
        stream, frame = _Watch(wanted, batch.rows), batch.clip[:, step.frames[0]]
        original = as_layout(frame, codec.layout)
        size = 2 * frame.shape[-2], 2 * frame.shape[-1]
        # Alone, a picture is trained at every q; before others, at that which it will have there.
        q = step.quality(batch.q) if self.stage.frames > 1 else batch.q
        if not step.references and batch.intra_q is not None:
            q = batch.intra_q
        setting = Setting(q, size, step.level, step.distances)
        try:
            result = codec.code(original, tuple(references), setting, stream)
        except _AllNoted:  # the rest of the frame would be several times the work, for nothing
            result = Reference(stream.notes.get(PREDICTION, torch.full_like(original, torch.nan)))
        flow = _true_flow(step, batch, codec.layout)
        coded = Coded(stream, result, original, codec.layout, tuple(references), flow)
        lagrangian = self.networks.rate_sampler.lagrangian(setting.q)
        loss = balanced(self._cost(coded, lagrangian, self._weight(step)), lagrangian)
        return result, loss, coded.seen()

    def _notes_enough(self) -> frozenset[str]:
        """Return the notes after which a P frame need not be coded to its end; none where it must be."""
        terms = self.stage.terms
        if terms.distortion or terms.rate or self.stage.references != "original":
            return frozenset()
        # Motion is coded, and its rate known, before anything is predicted by it.
        predicts = terms.prediction or terms.motion_rate
        estimates = terms.warp or terms.endpoint
        return frozenset(name for name, asked in ((PREDICTION, predicts), (FLOW, estimates)) if asked)

    def _weight(self, step: CodingStep) -> float:
        """Return a P frame's place in the hierarchy of qualities; intra frames have weight one."""
        weights = self.stage.frame_weights
        return weights[(step.frames[0] - 1) % len(weights)] if step.references else 1.0

    def _cost(self, coded: Coded, lagrangian: Tensor, weight: float) -> Tensor:
        """Return the weighed terms, added up: [B]; distortion counts for as much more as ``weight`` says."""
        terms = self.stage.terms
        cost = terms.rate * coded.bpp(motion=False) + terms.motion_rate * coded.bpp(motion=True)
        if terms.distortion:
            missed = self._distortion(coded, coded.result.frame)
            cost = cost + weight * terms.distortion * lagrangian * missed
        if coded.references and terms.prediction:
            moved = self._note(coded, PREDICTION)
            cost = cost + terms.prediction * lagrangian * self._distortion(coded, moved)
        if coded.references and terms.warp:
            warp = LAYOUTS[coded.layout].warp
            moved = warp(coded.references[0].frame, self._note(coded, FLOW))
            cost = cost + terms.warp * lagrangian * self._distortion(coded, moved)
        endpoint = coded.endpoint() if terms.endpoint else None
        if endpoint is not None:
            # Motion is what it is at every quality: the root cancels what balancing divides by.
            cost = cost + terms.endpoint * lagrangian.sqrt() * endpoint
        return cost

    def _distortion(self, coded: Coded, image: Tensor) -> Tensor:
        return distortion(image, coded.original, coded.layout, self.stage.distortion, self.stage.colour)

    def _note(self, coded: Coded, name: str) -> Tensor:
        if name not in coded.stream.notes:
            raise SettingError(
                f"Stage {self.stage.name!r} has a term that needs the codec to note {name!r}, and it does "
                f"not; it notes {', '.join(coded.stream.notes) or 'nothing'}"
            )
        return coded.stream.notes[name]

    def _remembered(self, step: CodingStep, result: Reference, batch: Batch) -> Reference:
        """Return what later frames may see of a frame."""
        if self.stage.references == "original":
            return Reference(as_layout(batch.clip[:, step.frames[0]], self.networks.intra.layout))
        return result if self.stage.cascaded else Reference(result.frame.detach(), _detached(result.memory))


def _true_flow(step: CodingStep, batch: Batch, layout: Layout) -> Tensor | None:
    """Return the flow to the first reference if that is the frame before and it is known."""
    if batch.flow is None or not step.references or step.references[0] != step.frames[0] - 1:
        return None
    flow = batch.flow[:, step.frames[0] - 1]
    return flow if LAYOUTS[layout].spacing == 2 else double_flow(flow)


def _detached(value: Any) -> Any:
    """Return a codec's memory, tensors in tuples and frozen dataclasses, without gradients."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, tuple):
        return tuple(map(_detached, value))
    if is_dataclass(value) and not isinstance(value, type):
        kept = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
        return replace(value, **{name: _detached(one) for name, one in kept.items()})
    return value
