"""What a contender made of a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nvczoo.evaluate.anatomy import Anatomy
from nvczoo.video.picture import Picture


@dataclass(frozen=True)
class CodedFrame:
    """A frame in display order; ``bits`` is None where the encoder does not tell."""

    bits: int | None
    intra: bool
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Coded:
    """A stream and what it decodes to."""

    size: int  # bytes, of everything that a decoder needs
    pictures: Sequence[Picture]
    frames: tuple[CodedFrame, ...]
    seconds: tuple[float, float]  # to encode and to decode
    settings: str  # all that is needed to repeat it
    identity: str  # of model and weights, or of the anchor
    proof: str  # how far the pictures were checked
    anatomy: Anatomy | None = None  # of the frame that is kept as a still
    padded: tuple[int, int] | None = None  # (H, W) that the anatomy covers, if more than the picture
