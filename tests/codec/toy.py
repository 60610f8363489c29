"""A codec, a coder and pictures small enough to test the corridors with."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from nvczoo.codec.gop import LowDelay
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import CorruptStream, TruncatedStream
from nvczoo.interfaces import (
    Distribution,
    EntropyCoder,
    GopStructure,
    InterCodec,
    IntraCodec,
    Layout,
    Reference,
    Setting,
    SymbolStream,
    TableSet,
)
from nvczoo.video.picture import Picture

CHANNELS = {"packed420": 6, "yuv444": 3, "rgb": 3}
ONE_ROW = TableSet(np.array([0, 1, 2], np.uint32), np.array([2], np.int32), np.array([0], np.int32))


class VarintCoder(EntropyCoder):
    """Knows no probabilities: every symbol is a zig-zag varint."""

    format = "toy-varint"

    def encoder(self) -> "VarintEncoder":
        return VarintEncoder()

    def decoder(self, data: bytes | memoryview) -> "VarintDecoder":
        return VarintDecoder(data)


class VarintEncoder:
    def __init__(self) -> None:
        self.data = bytearray()

    def push(self, symbols: Tensor, indexes: Tensor, tables: TableSet) -> None:
        assert len(symbols) == len(indexes)
        for symbol in symbols.tolist():
            value = 2 * symbol if symbol >= 0 else -2 * symbol - 1
            while value >= 128:
                self.data.append(value & 127 | 128)
                value >>= 7
            self.data.append(value)

    def finish(self) -> bytes:
        return bytes(self.data)


class VarintDecoder:
    def __init__(self, data: bytes | memoryview) -> None:
        self.data = bytes(data)
        self.at = 0

    def decode(self, indexes: Tensor, tables: TableSet) -> Tensor:
        return torch.tensor([self.one() for _ in range(len(indexes))], dtype=torch.int32)

    def one(self) -> int:
        value = 0
        for shift in range(0, 28, 7):
            if self.at >= len(self.data):
                raise TruncatedStream("no symbols are left")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return -(value + 1 >> 1) if value & 1 else value >> 1
        raise CorruptStream("a symbol is too long")

    def finish(self) -> None:
        if self.at < len(self.data):
            raise CorruptStream(f"{len(self.data) - self.at} bytes are left")


class Flat(Distribution):
    """Whatever the symbol, about the bits of its varint."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    @property
    def table(self) -> TableSet:
        return ONE_ROW

    def bits(self, symbols: Tensor) -> Tensor:
        return 8 + symbols.abs() / 64

    def indexes(self) -> Tensor:
        return torch.zeros(self.shape, dtype=torch.uint8)


class ToyTransform(nn.Module):
    """What intra and inter share: a latent at a quarter of the layout's size, and a small convolution."""

    def __init__(self, channels: int, seed: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(channels, channels, 3, padding=1)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            noise = torch.randn(self.filter.weight.shape, generator=generator) * 0.01
            self.filter.weight.copy_(noise)
            for channel in range(channels):
                self.filter.weight[channel, channel, 1, 1] += 1
            self.filter.bias.zero_()

    def code(self, stream: SymbolStream, image: Tensor | None, like: Tensor, q: Tensor) -> Tensor:
        step = (2 ** ((63 - q) / 12) / 255).reshape(-1, 1, 1, 1)
        small = tuple(side // 4 for side in like.shape[2:])
        latent = None if image is None else nn.functional.avg_pool2d(image, 4) / step
        symbols = stream.code("latent", latent, Flat((*like.shape[:2], *small)))
        symbols = symbols.contiguous(memory_format=torch.channels_last)  # else kernels differ, and results
        return self.filter(nn.functional.interpolate(symbols * step, scale_factor=4.0))


class ToyIntra(IntraCodec):
    stride = 8

    def __init__(self, layout: Layout = "packed420") -> None:
        super().__init__()
        self.layout = layout
        self.transform = ToyTransform(CHANNELS[layout], 1)

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        assert references == ()
        scale = 2 if self.layout == "packed420" else 1
        size = tuple(side // scale for side in setting.size)
        like = torch.empty(len(setting.q), CHANNELS[self.layout], *size)
        decoded = self.transform.code(stream.part("intra"), frame, like, setting.q)
        return Reference(decoded, ConditionalMemory(feature=decoded))


class ToyInter(InterCodec):
    """Predicts by the mean of its references."""

    stride = 16

    def __init__(self, layout: Layout = "packed420", references: int = 1) -> None:
        super().__init__()
        self.layout = layout
        self.references_needed = references
        self.transform = ToyTransform(CHANNELS[layout], 2)

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        prediction = torch.stack([reference.frame for reference in references]).mean(0)
        if any(reference.memory is None for reference in references):
            prediction = prediction * 0.9
        residual = None if frame is None else frame - prediction
        decoded = prediction + self.transform.code(stream.part("inter"), residual, prediction, setting.q)
        return Reference(decoded, ConditionalMemory(feature=decoded))


@dataclass(frozen=True)
class ToyMemory:
    base: Tensor  # [B, C, h, w], half the size


class ToyLayered(InterCodec):
    """Codes the frame at half the size from the last one at half the size, then what that misses."""

    stride = 16
    layers = ("fine",)

    def __init__(self, layout: Layout = "packed420") -> None:
        super().__init__()
        self.layout = layout
        self.coarse, self.fine = (ToyTransform(CHANNELS[layout], seed) for seed in (4, 5))

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        before = self.base_image(references[0])
        missed = None if frame is None else nn.functional.avg_pool2d(frame, 2) - before
        base = before + self.coarse.code(stream.part("base"), missed, before, setting.q)
        layer = stream.layer("fine")
        if layer is None:
            return Reference(base, ToyMemory(base))
        grown = nn.functional.interpolate(base, scale_factor=2.0)
        missed = None if frame is None else frame - grown
        return Reference(grown + self.fine.code(layer, missed, grown, setting.q), ToyMemory(base))

    def base_image(self, reference: Reference) -> Tensor:
        if isinstance(reference.memory, ToyMemory):
            return reference.memory.base
        small = nn.functional.avg_pool2d(reference.frame, 2)
        return small.contiguous(memory_format=torch.channels_last)

    def base_size(self, size: tuple[int, int]) -> tuple[int, int]:
        return (size[0] + 1) // 2, (size[1] + 1) // 2


class ToyChunk(InterCodec):
    """Four frames in one step, each from the last frame of the reference."""

    stride = 16
    layout: Layout = "packed420"
    frames_per_step = 4

    def __init__(self) -> None:
        super().__init__()
        self.transform = ToyTransform(6, 3)

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        last = references[0].frame
        last = last if last.ndim == 4 else last[:, -1]
        decoded = []
        for at in range(4):
            residual = None if frame is None else frame[:, at] - last
            decoded.append(last + self.transform.code(stream, residual, last, setting.q))
        return Reference(torch.stack(decoded, 1))


def toy_codec(
    gop: GopStructure | None = None, layout: Layout = "packed420", layered: bool = False
) -> VideoCodec:
    inter = ToyLayered(layout) if layered else ToyInter(layout)
    gop = LowDelay(intra_period=4) if gop is None else gop
    return VideoCodec(ToyIntra(layout), inter, gop, None, VarintCoder(), "toy", {"inter": "toy"})


def toy_pictures(count: int, width: int = 22, height: int = 18) -> list[Picture]:
    """Return a gradient that moves, with odd corners and no times."""
    row, column = torch.arange(height).unsqueeze(1), torch.arange(width).unsqueeze(0)
    pictures = []
    for number in range(count):
        y = (row * 5 + column * 3 + number * 7) % 256
        u, v = (column * 2 + row + number) % 256, (row * 4 + 30) % 256 + 0 * column
        half = slice(None, None, 2)
        pictures.append(Picture(y.byte(), u[half, half].byte(), v[half, half].byte()))
    return pictures
