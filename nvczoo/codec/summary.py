"""What a codec consists of: its parts, how large each is, and how many multiplications it takes per pixel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nvczoo.columns import columns
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
THOUSAND, MILLION = 1e3, 1e6
LEAST_SIDE = 64  # pixels: as small as the pyramids of motion estimators allow
HEADINGS = ("part", "what it is", "parameters, M", "kMAC/pixel, encoding")
NUMBERS = (2, 3)  # columns that are set to the right


@dataclass(frozen=True)
class PartSummary:
    """A part and all that is in it; ``multiplications`` is None where they could not be counted."""

    path: str  # such as inter.motion_estimator
    title: str  # its class
    parameters: int
    multiplications: float | None  # thousand per luma pixel, to encode one frame


@dataclass(frozen=True)
class CodecSummary:
    """A codec in numbers; shows itself as a table, in text and in notebooks."""

    title: str
    parts: tuple[PartSummary, ...]  # each after the one that holds it

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """The cells of each part, as ``HEADINGS`` names them."""
        return [
            (
                self._place(one.path),
                one.title,
                f"{one.parameters / MILLION:.2f}",
                "-" if one.multiplications is None else f"{one.multiplications:.1f}",
            )
            for one in self.parts
        ]

    def _place(self, path: str) -> str:
        """Return a part's name within the part that holds it, set in by as many as hold it."""
        holders = [one.path for one in self.parts if path.startswith(f"{one.path}.")]
        name = path.removeprefix(f"{holders[-1]}.") if holders else path
        return "  " * len(holders) + name

    def __str__(self) -> str:
        return f"{self.title}\n{columns([HEADINGS, *self.rows], right=NUMBERS)}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in HEADINGS)
        body = "".join(
            f"<tr>{''.join(f'<td>{_indented(cell)}</td>' for cell in row)}</tr>" for row in self.rows
        )
        return (
            f"<p>{escape(self.title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


class MultiplicationCounts:
    """Counts for a codec when first asked, and again only if its parts are others by then."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Mapping[str, float]] = {}

    def of(self, codec: VideoCodec) -> Mapping[str, float]:
        """Return thousand multiplications per luma pixel by path; nothing where a part cannot be run."""
        found = parts_of(codec)
        key = tuple((path, type(part), _size(part)) for path, part in found.items())
        if key not in self._known:
            try:
                counts = counted_parts(codec)
            except Exception:  # parts are code of others, and what cannot be run must still be printable
                counts = {}
            self._known = {key: counts}
        return self._known[key]


def summarized(codec: VideoCodec, counts: Mapping[str, float]) -> CodecSummary:
    """Return the summary, given what has been counted."""
    gop = type(codec.gop).__name__
    title = (
        f"{type(codec).__name__} {codec.name!r}: {_size(codec) / MILLION:.2f} M parameters, "
        f"{codec.layout}, {gop}, q = {codec.default_q:g}, {codec.precision} on {codec.device}"
    )
    parts = (
        PartSummary(path, type(part).__name__, _size(part), counts.get(path))
        for path, part in parts_of(codec).items()
    )
    return CodecSummary(title, tuple(parts))


def parts_of(codec: VideoCodec) -> dict[str, nn.Module]:
    """Return the parts with the paths they have in the codec; one that is in two places is told once."""
    return {path: part for path, part in codec.named_modules() if isinstance(part, PARTS)}


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


def _size(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters())


def _indented(cell: str) -> str:
    return escape(cell).replace("  ", "&emsp;")
