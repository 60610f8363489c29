"""The share of entropy coding in encoding and decoding: ``python benchmarks/coding_share.py``.

CPU time (of all threads) of one intra and some inter frames of ``ev-nvc-s``, and what of it is spent in the
coder, in finding tables, in deriving indexes, and in the copies between them.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import torch

import nvczoo
from nvczoo import _coder
from nvczoo.codec import Video
from nvczoo.entropy import density, distributions, streams
from nvczoo.video import Picture, VideoInfo

SIZES = ((416, 240), (1920, 1080))
Q = 32.0


class Clock:
    """Times what it is put around, less what is timed within."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._within = [0.0]

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call, timed under that name."""

        def timed(*args: Any, **options: Any) -> Any:
            self._within.append(0.0)
            start = time.process_time()
            try:
                return call(*args, **options)
            finally:
                spent = time.process_time() - start
                self.seconds[name] += spent - self._within.pop()
                self._within[-1] += spent

        return timed


def watch(clock: Clock) -> None:
    """Put the clock around everything that coding is made of."""
    for kind in ("Encoder", "Decoder"):
        setattr(_coder, kind, timed_coder(clock, getattr(_coder, kind)))
    for family in (
        distributions.ScaleLadder,
        distributions.Laplace,
        distributions.Gaussian,
        density.ChannelDensity,
    ):
        if "indexes" in vars(family):
            family.indexes = clock.around("indexes", family.indexes)
        if "table" in vars(family):
            family.table = property(clock.around("tables", vars(family)["table"].fget))
    streams.crc32c = clock.around("checksum of symbols", streams.crc32c)
    for stream in (streams.BitWriter, streams.BitReader):
        for method in ("code", "finish"):
            setattr(stream, method, clock.around("copies", getattr(stream, method)))


def timed_coder(clock: Clock, coder: Any) -> Callable[..., Any]:
    """Return a factory of coders whose methods are timed."""

    class Timed:
        def __init__(self, *args: Any) -> None:
            self._coder = clock.around("coder", coder)(*args)

        def __getattr__(self, name: str) -> Any:
            return clock.around("coder", getattr(self._coder, name))

    return Timed


def moving(width: int, height: int, frames: int) -> Video:
    """Return a textured picture that moves, with noise."""
    generator = torch.Generator().manual_seed(1)
    rough = torch.rand(1, 1, height // 8 + 8, width // 8 + 8, generator=generator)
    big = torch.nn.functional.interpolate(rough, scale_factor=8, mode="bicubic")[0, 0].clamp(0, 1) * 255
    grey = torch.full((height // 2, width // 2), 128, dtype=torch.uint8)
    pictures = []
    for number in range(frames):
        luma = big[number : number + height, 2 * number : 2 * number + width]
        noisy = luma + 3 * torch.randn(height, width, generator=generator)
        pictures.append(Picture(noisy.clamp(0, 255).to(torch.uint8), grey, grey, number))
    rate = Fraction(30)
    return Video(VideoInfo(width, height, frame_rate=rate, time_base=1 / rate), tuple(pictures))


def report(clock: Clock, total: float, title: str) -> None:
    """Print seconds and shares."""
    parts = dict(clock.seconds.items())
    shares = ", ".join(
        f"{name} {1e3 * one:.1f} ms ({100 * one / total:.2f} %)" for name, one in parts.items()
    )
    print(f"{title}: {total:.2f} s; {shares}", flush=True)
    clock.seconds.clear()


def main() -> None:
    """Measure both sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=3)
    arguments = parser.parse_args()
    clock = Clock()
    watch(clock)
    codec = nvczoo.load("ev-nvc-s")
    codec.decode(codec.encode(moving(128, 128, 2), Q))  # tables are made, once
    clock.seconds.clear()
    for width, height in SIZES:
        video = moving(width, height, arguments.frames)
        start = time.process_time()
        data = codec.encode(video, Q)
        report(clock, time.process_time() - start, f"encode {width}x{height}, {len(data)} bytes")
        start = time.process_time()
        tuple(codec.decode(data))
        report(clock, time.process_time() - start, f"decode {width}x{height}")


if __name__ == "__main__":
    main()
