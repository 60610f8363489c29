"""How large a model is, and how many multiplications it takes per pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from nvczoo.codec.multiplications import (
    PER_MULTIPLICATION,
    THOUSAND,
    counting_frame,
    parameters_of,
)
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.interfaces import FrameCodec, Reference

SIDE = 128  # pixels; a multiple of every model's stride, so that nothing is padded


@dataclass(frozen=True)
class Complexity:
    """Of one network: of intra frames, or of inter frames that have all their references."""

    parameters: int
    encode: float  # thousand multiplications per luma pixel, reconstruction included
    decode: float


def complexity(codec: VideoCodec) -> dict[str, Complexity]:
    """Return the complexity of the networks, by place: ``intra`` and, if there is one, ``inter``.

    Convolutions and matrix products are counted; warps, resampling and activations are not.
    """
    intra, reference = _counted(codec, codec.intra, ())
    if codec.inter is None:
        return {"intra": intra}
    references = (reference,) * codec.references_per_step
    _, reference = _counted(codec, codec.inter, references)  # leaves latents, as later ones find
    inter, _ = _counted(codec, codec.inter, (reference,) * codec.references_per_step)
    return {"intra": intra, "inter": inter}


@torch.no_grad()
def _counted(
    codec: VideoCodec, part: FrameCodec, references: tuple[Reference, ...]
) -> tuple[Complexity, Reference]:
    frame, setting = counting_frame(codec, SIDE)
    writer = BitWriter(codec.coder)
    with FlopCounterMode(display=False) as encoded:
        reference = part.code(frame, references, setting, writer)
    reader = BitReader(codec.coder, dict(writer.finish()))
    with FlopCounterMode(display=False) as decoded:
        part.code(None, references, setting, reader)
    per_pixel = THOUSAND * PER_MULTIPLICATION * SIDE**2
    flops = (encoded.get_total_flops() / per_pixel, decoded.get_total_flops() / per_pixel)
    return Complexity(parameters_of(part), *flops), reference
