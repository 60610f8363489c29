"""Measure one model at one size: speed, memory, and how much faster than the plain way. Prints JSON.

    python benchmarks/model_speed.py encode dcvc-dc 416x240 FOLDER   # then decode, which takes what that left
    python benchmarks/model_speed.py ratio dcvc-dc 416x240 FOLDER

Speeds are those of coding one frame, from a padded picture to bytes and back, by a model with random weights
on a texture that moves: an inter frame whose reference was coded, too, after a picture that was not. The
ratios compare the networks alone, in float32 and in bfloat16, with the same run the plain way: float32,
contiguous NCHW, gradients off, as many threads; in turns in one process, by the processor's time, which other
programs on the machine disturb least. Each job wants a process, so that the peak of memory is its own.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import nvczoo
from nvczoo.codec.arithmetic import PRECISIONS, deterministic
from nvczoo.codec.frames import padded_size
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.interfaces import Distribution, FrameCodec, Reference, Setting, SymbolStream
from nvczoo.layers import pad_to_multiple

FRAMES = 2  # one with a picture for reference, one with all that a coded frame leaves
ROUNDS, LARGE = 2, 1000  # of a ratio, but for pictures of so many rows or more
DOING, PLAIN = ("encode", "decode"), "plain"
JOBS = (*DOING, "ratio")
KIBI = 1024
OURS = torch.channels_last

Layers = dict[str, bytes]
Ratios = dict[str, dict[str, float]]


def pictures(
    codec: nvczoo.VideoCodec, size: tuple[int, int], frames: int, form: torch.memory_format = OURS
) -> list[Tensor]:
    """Return a texture that moves two pixels a frame, in the codec's layout, padded."""
    height, width = size
    row, column = torch.arange(height)[:, None], torch.arange(width)[None]
    found = []
    for number in range(frames):
        moved = column + 2 * number
        plane = 0.5 + 0.2 * torch.sin(row / 17) * torch.cos(moved / 23) + 0.1 * ((row // 8 + moved // 8) % 2)
        image = pad_to_multiple(plane.expand(1, 3, height, width), codec.stride)
        if codec.layout == "packed420":
            luma = torch.nn.functional.pixel_unshuffle(image[:, :1], 2)
            image = torch.cat((luma, image[:, 1:, ::2, ::2]), dim=1)
        found.append(image.contiguous(memory_format=form))
    return found


Code = Callable[[int, FrameCodec, tuple[Reference, ...], Setting], Reference]


@dataclass(frozen=True)
class Seconds:
    """What the last frame took."""

    wall: float
    processor: float  # of all threads together


def walk(
    codec: nvczoo.VideoCodec,
    size: tuple[int, int],
    frames: int,
    code: Code,
    form: torch.memory_format = OURS,
) -> Seconds:
    """Code inter frames, of a codec of pictures intra frames; return what the last one took."""
    setting = Setting(torch.full((1,), codec.default_q), padded_size(size, codec.stride))
    part = codec.intra if codec.inter is None else codec.inter
    references = (Reference(pictures(codec, size, 1, form)[0]),) * codec.references_per_step
    spent = Seconds(0, 0)
    for number in range(frames):
        wall, processor = time.perf_counter(), time.process_time()
        reference = code(number, part, references, setting)
        spent = Seconds(time.perf_counter() - wall, time.process_time() - processor)
        references = (reference,) * codec.references_per_step
    return spent


def encoded(codec: nvczoo.VideoCodec, size: tuple[int, int], frames: int) -> tuple[Seconds, list[Layers]]:
    images = pictures(codec, size, frames)
    written: list[Layers] = []

    def code(number: int, part: FrameCodec, references: tuple[Reference, ...], setting: Setting) -> Reference:
        writer = BitWriter(codec.coder)
        reference = part.code(images[number], references, setting, writer)
        written.append(dict(writer.finish()))
        return reference

    return walk(codec, size, frames, code), written


def decoded(codec: nvczoo.VideoCodec, size: tuple[int, int], written: list[Layers]) -> Seconds:
    def code(number: int, part: FrameCodec, references: tuple[Reference, ...], setting: Setting) -> Reference:
        return part.code(None, references, setting, BitReader(codec.coder, written[number]))

    return walk(codec, size, len(written), code)


@dataclass
class Replay(SymbolStream):
    """Keeps symbols while encoding, and gives them again: networks alone, without an entropy coder."""

    form: torch.memory_format
    kept: list[Tensor] = field(default_factory=list)

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        if values is None:
            return self.kept.pop(0)
        symbols = values.float().round()
        symbols = symbols if mask is None else symbols * mask
        if symbols.dim() == 4:  # a serial prior's places have no such format
            symbols = symbols.contiguous(memory_format=self.form)
        self.kept.append(symbols)
        return symbols

    def part(self, name: str) -> SymbolStream:
        return self

    def layer(self, name: str) -> SymbolStream | None:
        return self

    def note(self, name: str, tensor: Tensor) -> None:
        pass


def networks(codec: nvczoo.VideoCodec, size: tuple[int, int], form: torch.memory_format) -> dict[str, float]:
    """Return the processor's seconds for one frame's networks, to encode and to decode."""
    codec.to(memory_format=form)
    (image,) = pictures(codec, size, 1, form)
    stream = Replay(form)
    found = {}
    for what, given in zip(DOING, (image, None), strict=True):

        def code(
            _: int,
            part: FrameCodec,
            references: tuple[Reference, ...],
            setting: Setting,
            given: Tensor | None = given,
        ) -> Reference:
            return part.code(given, references, setting, stream)

        found[what] = walk(codec, size, 1, code, form).processor
    return found


WAYS = {
    PLAIN: (torch.no_grad, torch.contiguous_format),
    **{one: (partial(deterministic, one), OURS) for one in PRECISIONS},
}


def ratios(codec: nvczoo.VideoCodec, size: tuple[int, int], rounds: int) -> Ratios:
    """Return how many times the plain way's time is that of each precision, each the least of its rounds."""
    times: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, (context, form) in WAYS.items():
            with context():
                times[way].append(networks(codec, size, form))
    least = {way: {what: min(one[what] for one in found) for what in DOING} for way, found in times.items()}
    return {way: {what: least[PLAIN][what] / least[way][what] for what in DOING} for way in PRECISIONS}


def job(name: str, model: str, size: tuple[int, int], frames: int, folder: Path) -> dict[str, Any]:
    """Run one job in this process; ``decode`` takes what ``encode`` left in the folder."""
    codec, layers = nvczoo.create(model), folder / "layers.pt"
    if name == "ratio":
        return ratios(codec, size, ROUNDS if size[0] < LARGE else 1)
    with deterministic():
        if name == "encode":
            seconds, written = encoded(codec, size, frames)
            torch.save(written, layers)
        else:
            seconds = decoded(codec, size, torch.load(layers, weights_only=True))
    return {"seconds": seconds.wall, "processor": seconds.processor, "peak": peak_memory()}


def peak_memory() -> int:
    """Return bytes; not of ``resource``, whose figure a child has from its parent."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return KIBI * int(line.split()[1])


def size_of(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return height, width


def main() -> None:
    """Run the job that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("model")
    parser.add_argument("size", metavar="WIDTHxHEIGHT")
    parser.add_argument("folder", type=Path, help="where streams are, from job to job")
    parser.add_argument("--frames", type=int, default=FRAMES, help="the last is timed (default: %(default)s)")
    chosen = parser.parse_args()
    print(json.dumps(job(chosen.job, chosen.model, size_of(chosen.size), chosen.frames, chosen.folder)))


if __name__ == "__main__":
    main()
