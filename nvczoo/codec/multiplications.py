"""How many multiplications each part of a codec takes, counted while it codes a small frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import (
    ContextFuser,
    EntropyModel,
    FrameCodec,
    MotionEstimator,
    RateSampler,
    Reference,
    Setting,
)

if TYPE_CHECKING:
    from nvczoo.codec.video_codec import VideoCodec

PARTS = (FrameCodec, MotionEstimator, ContextFuser, EntropyModel, RateSampler)
PER_MULTIPLICATION = 2  # operations, as torch counts them: a product and a sum
THOUSAND = 1e3
LEAST_SIDE = 64  # pixels: as small as the pyramids of motion estimators allow


@dataclass(frozen=True)
class Counts:
    """Thousand multiplications per luma pixel by path, or why they could not be counted."""

    by_path: Mapping[str, float]
    failure: str = ""


class MultiplicationCounts:
    """Counts for a codec when first asked, and again only if its parts are others by then."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Counts] = {}

    def of(self, codec: VideoCodec) -> Counts:
        """Return the counts of a codec's parts; a part that cannot be run is told, and raises nothing."""
        found = parts_of(codec)
        key = tuple((path, type(part), parameters_of(part)) for path, part in found.items())
        if key not in self._known:
            try:
                counts = Counts(counted_parts(codec))
            except (
                Exception
            ) as error:  # parts are code of others; one that cannot run is printed all the same
                counts = Counts({}, f"{type(error).__name__}: {error}")
            self._known = {key: counts}
        return self._known[key]


def parts_of(codec: VideoCodec) -> dict[str, nn.Module]:
    """Return the parts with the paths they have in the codec; one that is in two places is told once."""
    return {path: part for path, part in codec.named_modules() if isinstance(part, PARTS)}


def parameters_of(module: nn.Module) -> int:
    """Return how many numbers are learned in a module."""
    return sum(one.numel() for one in module.parameters())


def counted_parts(codec: VideoCodec) -> dict[str, float]:
    """Return thousand multiplications per luma pixel that each part takes to encode a frame.

    An inter frame has all its references, with all that they remember. Convolutions and matrix products are
    counted; warps, resampling and activations are not, nor what a part other than an intra or inter codec
    does outside of its layers.
    """
    side = max(codec.padded_size((LEAST_SIDE, LEAST_SIDE)))
    frame, setting = counting_frame(codec, side)
    coded: list[tuple[str, FrameCodec]] = [("intra", codec.intra)]
    references: tuple[Reference, ...] = ()
    found: dict[str, float] = {}
    with torch.no_grad():
        if codec.inter is not None:  # an inter frame after an inter frame finds what such a one leaves
            coded.append(("inter", codec.inter))
        for path, part in coded:
            with counting(codec) as counts:
                reference = part.code(frame, references, setting, BitCounter())
            references = (reference,) * codec.references_per_step
            if part is codec.inter:
                with counting(codec) as counts:
                    part.code(frame, references, setting, BitCounter())
            found |= {one: n for one, n in counts.items() if one.partition(".")[0] == path}
    return {path: count / (THOUSAND * PER_MULTIPLICATION * side**2) for path, count in found.items()}


def counting_frame(codec: VideoCodec, side: int) -> tuple[Tensor, Setting]:
    """Return a frame of side x side luma samples in the codec's layout, and how it is to be coded."""
    frame = torch.linspace(0, 1, side).expand(1, 3, side, side)
    if codec.layout == "packed420":
        frame = frame[..., ::2, ::2].repeat(1, 2, 1, 1)
    setting = Setting(torch.full((1,), codec.default_q, device=codec.device), (side, side))
    return frame.to(codec.device), setting


@contextmanager
def counting(codec: VideoCodec) -> Iterator[dict[str, float]]:
    """Give a table that holds, at the end, the operations of each part."""
    counts: dict[str, float] = {}
    with ExitStack() as stack:
        counter = stack.enter_context(FlopCounterMode(display=False))
        parts = parts_of(codec)
        for path, part in parts.items():
            if not isinstance(part, FrameCodec):
                _count_calls(path, part, counter, counts, stack)
        yield counts
    for path in ("intra", "inter"):  # one of them alone has run
        counts[path] = counter.get_total_flops()


def _count_calls(
    path: str, part: nn.Module, counter: FlopCounterMode, counts: dict[str, float], stack: ExitStack
) -> None:
    """Add up what runs between the outermost calls of a part's modules and their ends."""
    running: list[int] = []  # operations before each of the calls under way
    counts[path] = 0

    def begin(*_: Any) -> None:
        running.append(counter.get_total_flops())

    def end(*_: Any) -> None:
        before = running.pop()
        if not running:
            counts[path] += counter.get_total_flops() - before

    for module in part.modules():
        stack.callback(module.register_forward_pre_hook(begin).remove)
        stack.callback(module.register_forward_hook(end).remove)
