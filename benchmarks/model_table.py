"""Make the table of models in ``docs/models.md``: size, multiplications, speed and memory of each.

    python benchmarks/model_table.py                        # all models at 416x240
    python benchmarks/model_table.py dcvc-dc -s 1920x1080   # one, at another size; the others' rows stay

Speeds are those of coding one frame, from a padded picture to bytes and back, by a model with random weights
on a texture that moves. The ratio compares the networks alone with the same run the plain way: float32,
contiguous NCHW, gradients off, as many threads; both in turns in one process, by the processor's time, which
other programs on the machine disturb least. Encoding, decoding and the ratio have a process each, so that the
peak of memory is their own. What was measured is kept in ``docs/models.json``; a dash tells what was not.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import nvczoo
from nvczoo import cards
from nvczoo.codec.arithmetic import deterministic
from nvczoo.codec.frames import padded_size
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.evaluate.complexity import complexity
from nvczoo.interfaces import Distribution, FrameCodec, Reference, Setting, SymbolStream
from nvczoo.layers import pad_to_multiple

DOCS = Path(__file__).parents[1] / "docs"
KEPT, PAGE = DOCS / "models.json", DOCS / "models.md"
BEGIN, END = "<!-- made by benchmarks/model_table.py -->\n", "<!-- end -->\n"
FRAMES = 3  # one intra, one inter with its references half there, one with all
ROUNDS, LARGE = 2, 1000  # of a ratio, but for pictures of so many rows or more
SIZES = ("416x240", "1920x1080")
JOBS = ("encode", "decode", "ratio")
PLACES = ("intra", "inter")
COUNTS = tuple((place, what) for place in PLACES for what in ("encode", "decode"))
KIBI, MILLION, GIGA = 1024, 1e6, 1e9
TIMEOUT = 1800  # seconds for a job

Layers = dict[str, bytes]


def pictures(codec: nvczoo.VideoCodec, size: tuple[int, int], frames: int) -> list[Tensor]:
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
        found.append(image)
    return found


Code = Callable[[int, FrameCodec, tuple[Reference, ...], Setting], Reference]


@dataclass(frozen=True)
class Seconds:
    """What the last frame took."""

    wall: float
    processor: float  # of all threads together


def walk(codec: nvczoo.VideoCodec, size: tuple[int, int], frames: int, code: Code) -> Seconds:
    """Code an intra frame and inter frames after it; return what the last one took."""
    padded = padded_size(size, codec.stride)
    references: tuple[Reference, ...] = ()
    spent = Seconds(0, 0)
    for number in range(frames):
        setting = Setting(torch.full((1,), codec.default_q), padded)
        part = codec.inter if number and codec.inter is not None else codec.intra
        wall, processor = time.perf_counter(), time.process_time()
        reference = code(number, part, references, setting)
        spent = Seconds(time.perf_counter() - wall, time.process_time() - processor)
        references = (reference,) * codec.references_per_step
    return spent


def encoded(codec: nvczoo.VideoCodec, size: tuple[int, int], frames: int) -> tuple[Seconds, list[Layers]]:
    images = [one.contiguous(memory_format=torch.channels_last) for one in pictures(codec, size, frames)]
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
        symbols = (symbols if mask is None else symbols * mask).contiguous(memory_format=self.form)
        self.kept.append(symbols)
        return symbols

    def part(self, name: str) -> SymbolStream:
        return self

    def layer(self, name: str) -> SymbolStream | None:
        return self

    def note(self, name: str, tensor: Tensor) -> None:
        pass


def networks(
    codec: nvczoo.VideoCodec, size: tuple[int, int], frames: int, form: torch.memory_format
) -> dict[str, float]:
    """Return the processor's seconds for the last frame's networks, to encode and to decode."""
    codec.to(memory_format=form)
    images = [one.contiguous(memory_format=form) for one in pictures(codec, size, frames)]
    streams = [Replay(form) for _ in images]

    def encode(
        number: int, part: FrameCodec, references: tuple[Reference, ...], setting: Setting
    ) -> Reference:
        return part.code(images[number], references, setting, streams[number])

    def decode(
        number: int, part: FrameCodec, references: tuple[Reference, ...], setting: Setting
    ) -> Reference:
        return part.code(None, references, setting, streams[number])

    return {
        "encode": walk(codec, size, frames, encode).processor,
        "decode": walk(codec, size, frames, decode).processor,
    }


def ratios(codec: nvczoo.VideoCodec, size: tuple[int, int], frames: int, rounds: int) -> dict[str, float]:
    """Return how many times the plain way's time is ours, each the least of its rounds."""
    ours, plain = [], []
    for _ in range(rounds):
        with deterministic():
            ours.append(networks(codec, size, frames, torch.channels_last))
        with torch.no_grad():
            plain.append(networks(codec, size, frames, torch.contiguous_format))
    return {what: min(one[what] for one in plain) / min(one[what] for one in ours) for what in ours[0]}


def job(name: str, model: str, size: tuple[int, int], frames: int, folder: Path) -> dict[str, Any]:
    """Run one job in this process; ``decode`` takes what ``encode`` left in the folder."""
    codec, layers = nvczoo.create(model), folder / "layers.pt"
    if name == "ratio":
        return ratios(codec, size, frames, ROUNDS if size[0] < LARGE else 1)
    with deterministic():
        if name == "encode":
            seconds, written = encoded(codec, size, frames)
            torch.save(written, layers)
        else:
            seconds = decoded(codec, size, torch.load(layers, weights_only=True))
    return {"seconds": seconds.wall, "peak": peak_memory()}


def peak_memory() -> int:
    """Return bytes; not of ``resource``, whose figure a child has from its parent."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return KIBI * int(line.split()[1])


def measured(model: str, size: str, frames: int) -> dict[str, Any]:
    """Return what all jobs of a model at a size found, each in a process of its own."""
    found: dict[str, Any] = {"frames": frames}
    with tempfile.TemporaryDirectory() as folder:
        for name in JOBS:
            command = [sys.executable, __file__, model, "-s", size, "--job", name, "--folder", folder]
            command += ["--frames", str(frames)]
            run = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=TIMEOUT)
            found[name] = json.loads(run.stdout.splitlines()[-1])
    return found


def counted(model: str) -> dict[str, Any]:
    found = complexity(nvczoo.create(model))
    return {place: [one.parameters, one.encode, one.decode] for place, one in found.items()}


def speed_cells(found: dict[str, Any] | None) -> list[str]:
    """Return fps and ratio to encode and to decode, and the peaks: of the last frame, an inter frame."""
    if found is None:
        return ["-"] * 4
    times = [
        f"{1 / found[what]['seconds']:.2f} ({found['ratio'][what]:.1f}x)" for what in ("encode", "decode")
    ]
    return [*times, *(f"{found[what]['peak'] / GIGA:.1f}" for what in ("encode", "decode"))]


def kmac_cells(model: str, numbers: dict[str, Any]) -> list[str]:
    """Return thousand multiplications per pixel, in brackets those of the published code."""
    known = cards.find(model).published.get("kmac", {})
    cells = []
    for place, what in COUNTS:
        ours = f"{numbers[place][1 + ('encode', 'decode').index(what)]:.0f}" if place in numbers else ""
        theirs = f" ({known[f'{place}_{what}']:.0f})" if f"{place}_{what}" in known else ""
        cells.append(ours + theirs)
    return cells


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def page(kept: dict[str, Any]) -> str:
    """Return the tables, as the page has them between its marks."""
    models = sorted(kept["counts"])
    counts = []
    for model in models:
        numbers = kept["counts"][model]
        sizes = (f"{numbers[place][0] / MILLION:.2f}" if place in numbers else "" for place in PLACES)
        counts.append([f"`{model}`", *sizes, *kmac_cells(model, numbers)])
    heads = ["model", "intra, M", "inter, M", *(f"{place}, {what}" for place, what in COUNTS)]
    text = [table(heads, counts)]
    for size in SIZES:
        rows = [[f"`{model}`", *speed_cells(kept["speeds"].get(size, {}).get(model))] for model in models]
        heads = ["model", "encode, fps", "decode, fps", "encode, GB", "decode, GB"]
        text.append(f"At {size}:\n\n{table(heads, rows)}")
    return "\n".join([*text, f"Measured on: {kept['machine']}\n"])


def machine() -> str:
    return (
        f"{platform.machine()}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}, "
        f"load average {os.getloadavg()[0]:.1f} at the end (a shared machine)"
    )


def size_of(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return height, width


def main() -> None:
    """Measure, keep, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*")
    parser.add_argument(
        "-s", "--size", default=SIZES[0], help="WIDTHxHEIGHT; none: count, but measure nothing"
    )
    parser.add_argument("--frames", type=int, default=FRAMES, help="the last is timed (default: %(default)s)")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.job:
        print(
            json.dumps(job(chosen.job, chosen.models[0], size_of(chosen.size), chosen.frames, chosen.folder))
        )
        return
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {"counts": {}, "speeds": {}}
    for model in chosen.models or nvczoo.models():
        kept["counts"][model] = counted(model)
        if chosen.size != "none":
            kept["speeds"].setdefault(chosen.size, {})[model] = measured(model, chosen.size, chosen.frames)
        kept["machine"] = machine()
        KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(before + BEGIN + "\n" + page(kept) + "\n" + END + rest.split(END)[1])
        print(f"{model} {chosen.size}: done", file=sys.stderr)


if __name__ == "__main__":
    main()
