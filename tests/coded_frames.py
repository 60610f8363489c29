"""Frames coded by a model as its streams see them: estimated, written and read."""

import torch
from torch import Tensor

from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.interfaces import Reference, Setting

SIZE = (256, 192)


def picture(number: int, size: tuple[int, int] = SIZE) -> Tensor:
    """Return a frame of a pattern that moves right, [1, 3, H, W]."""
    rows, columns = torch.arange(size[0]).view(-1, 1), torch.arange(size[1]).view(1, -1) + 2 * number
    channels = [torch.sin(rows * 0.07 * (one + 1)) * torch.cos(columns * 0.11) for one in range(3)]
    return (0.5 + 0.4 * torch.stack(channels)).unsqueeze(0)


@torch.inference_mode()
def excess(codec: VideoCodec, q: float, count: int, size: tuple[int, int] = SIZE) -> float:
    """Return by what share frames cost more than estimated; claims that what is read is what was written."""
    references: tuple[Reference, ...] = ()
    written_bits = estimated_bits = 0.0
    for number in range(count):
        (step,) = codec.gop.steps(number, 1)
        part, writer, counter = codec.codec_of(step), BitWriter(NativeCoder()), BitCounter()
        setting = Setting(torch.tensor([q]), size, step.level)
        written = part.code(picture(number, size), references, setting, writer)
        estimated = part.code(picture(number, size), references, setting, counter)
        layers = dict(writer.finish())
        reader = BitReader(NativeCoder(), layers)
        read = part.code(None, references, setting, reader)
        reader.finish()
        assert torch.equal(read.frame, written.frame)
        assert torch.equal(read.frame, estimated.frame)
        references = (read,)
        written_bits += 8 * sum(len(data) for data in layers.values())
        estimated_bits += float(counter.total)
    return written_bits / estimated_bits - 1
