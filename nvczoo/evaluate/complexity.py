"""How large a model is, and how many multiplications it takes per pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.interfaces import FrameCodec, Reference, Setting

SIDE = 128  # pixels; a multiple of every model's stride, so that nothing is padded
PER_MULTIPLICATION = 2  # operations, as torch counts them: a product and a sum
THOUSAND = 1e3


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
    clip = torch.linspace(0, 1, SIDE).expand(1, 3, SIDE, SIDE)
    if codec.layout == "packed420":
        clip = clip[..., ::2, ::2].repeat(1, 2, 1, 1)
    intra, reference = _counted(codec, codec.intra, clip, ())
    if codec.inter is None:
        return {"intra": intra}
    references = (reference,) * codec.references_per_step
    _, reference = _counted(codec, codec.inter, clip, references)  # leaves latents, as later ones find
    inter, _ = _counted(codec, codec.inter, clip, (reference,) * codec.references_per_step)
    return {"intra": intra, "inter": inter}


@torch.no_grad()
def _counted(
    codec: VideoCodec, part: FrameCodec, frame: Tensor, references: tuple[Reference, ...]
) -> tuple[Complexity, Reference]:
    setting = Setting(torch.full((1,), codec.default_q, device=codec.device), (SIDE, SIDE))
    writer = BitWriter(codec.coder)
    with FlopCounterMode(display=False) as encoded:
        reference = part.code(frame.to(codec.device), references, setting, writer)
    reader = BitReader(codec.coder, dict(writer.finish()))
    with FlopCounterMode(display=False) as decoded:
        part.code(None, references, setting, reader)
    per_pixel = THOUSAND * PER_MULTIPLICATION * SIDE**2
    parameters = sum(one.numel() for one in part.parameters())
    flops = (encoded.get_total_flops() / per_pixel, decoded.get_total_flops() / per_pixel)
    return Complexity(parameters, *flops), reference
