"""What codes a frame, and what a coded frame leaves behind."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from nvczoo.interfaces.entropy import SymbolStream
from nvczoo.interfaces.planner import Planner

Layout = Literal["rgb", "yuv444", "packed420"]
Rules = Sequence[tuple[str, str]]  # regular expression and replacement, applied in this order


@dataclass(frozen=True)
class Reference:
    """A decoded frame, and what else its codec wants to remember of it."""

    frame: Tensor  # as the codec's layout says, 0..1
    memory: object | None = None  # the family's own frozen dataclass, or None: nothing, or a reset


# What an encoder may spend on a frame; decoders know nothing of it.
QUICK, USUAL, THOROUGH = 0, 1, 2


@dataclass(frozen=True)
class Setting:
    """How a frame shall be coded; known to encoder and decoder, but for effort and worth."""

    q: Tensor  # [B], 0..63, larger is better
    size: tuple[int, int]  # (H, W) of the luma grid after padding
    level: int = 0  # quality level within the GOP structure
    # How many frames after this one each reference is shown, negative: before it; () where nobody knows.
    distances: tuple[int, ...] = ()
    effort: int = USUAL  # QUICK: what can be left out is; THOROUGH: what can be searched for is
    worth: Tensor | None = None  # [B, 1, h, w] of a plan; None: distortions count the same everywhere


class FrameCodec(nn.Module, ABC):
    """Codes one step of a video: usually one frame.

    Images are [B, 3, H, W] in 0..1 in the layouts ``rgb`` and ``yuv444``, and [B, 6, H/2, W/2] in
    ``packed420``: four luma samples (top left, top right, bottom left, bottom right), U, V.
    """

    stride: int  # H and W of the luma grid must be multiples of this
    layout: Layout = "rgb"
    frames_per_step: int = 1  # with T > 1 ``frame`` is [B, T, C, H, W]
    references_needed: int = 0
    layers: tuple[str, ...] = ()  # that can be dropped, by the names ``code`` asks the stream for
    # From the tensors' names in the authors' checkpoint to those in this module; one that becomes "" is not
    # needed, such as a table that can be computed. Without rules there is no checkpoint to import.
    published: Rules = ()

    @abstractmethod
    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it; ``frame`` is None when decoding.

        The same method estimates, trains, writes and reads: only ``stream`` differs.
        """

    def start_from(self, clips: Tensor) -> None:
        """Set weights to a better start than random ones, given clips [B, T, C, H, W]; optional."""
        del clips


class IntraCodec(FrameCodec):
    """Codes a frame on its own."""


class InterCodec(FrameCodec):
    """Codes a frame with the help of decoded ones: 1 reference (P), 2 (B, or P with a long-term one)."""

    references_needed: int = 1
    levels: int = 1  # in the GOP that have weights of their own

    def planner(self) -> Planner | None:
        """Return what looks ahead for an encoder that spends THOROUGH effort; None if nothing does."""
        return None

    def base_image(self, reference: Reference) -> Tensor:
        """Return the picture to show if all layers were dropped; the reference may be an intra frame."""
        return reference.frame

    def base_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (H, W) of the pictures to show if all layers were dropped, for pictures of this size."""
        return size
