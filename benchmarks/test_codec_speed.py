"""How fast ``ev-nvc-s`` codes 352x288, beside x264 and x265 in the same run and with the same threads.

Each benchmark codes the same twelve pictures once a round; ``fps`` stands in its extra info.
"""

from collections.abc import Callable
from importlib import resources

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

import nvczoo
from nvczoo.codec import Video
from nvczoo.evaluate import anchors
from nvczoo.evaluate.anchors import AnchorSettings
from nvczoo.video import Picture, VideoInfo, open_video

WIDTH, HEIGHT, FRAMES = 352, 288, 12
Q = 32.0
ROUNDS = 5
MODEL = "ev-nvc-s"


@pytest.fixture(scope="module")
def video() -> Video:
    """Return the middle of the demo's clip."""
    pictures = []
    clip = resources.files("nvczoo.registry") / "demo" / "butterfly.mp4"
    with resources.as_file(clip) as path, open_video(path, tracks=False) as reader:
        rate = reader.info.frame_rate
        for number, picture in zip(range(FRAMES), reader, strict=False):
            y, u, v = picture.planes
            luma, chroma = _middle(y, WIDTH, HEIGHT), [_middle(c, WIDTH // 2, HEIGHT // 2) for c in (u, v)]
            pictures.append(Picture(luma, *chroma, number))
    return Video(VideoInfo(WIDTH, HEIGHT, frame_rate=rate, time_base=1 / rate), tuple(pictures))


def _middle(plane: torch.Tensor, width: int, height: int) -> torch.Tensor:
    top, left = (plane.shape[0] - height) // 4 * 2, (plane.shape[1] - width) // 4 * 2
    return plane[top : top + height, left : left + width].contiguous()


def _measure(benchmark: BenchmarkFixture, job: Callable[[], object]) -> None:
    benchmark.pedantic(job, rounds=ROUNDS, warmup_rounds=1)
    if benchmark.stats is not None:
        benchmark.extra_info["fps"] = round(FRAMES / benchmark.stats.stats.median, 1)
        benchmark.extra_info["threads"] = torch.get_num_threads()


@pytest.mark.benchmark(group="encode 352x288")
def test_our_encoder(benchmark: BenchmarkFixture, video: Video) -> None:
    codec = nvczoo.load(MODEL)
    session = codec.encoder(video.info, Q)
    session.push(video.pictures[0])  # checks the arithmetic, once a stream
    _measure(benchmark, lambda: [session.push(picture) for picture in video])


@pytest.mark.benchmark(group="decode 352x288")
def test_our_decoder(benchmark: BenchmarkFixture, video: Video) -> None:
    codec = nvczoo.load(MODEL)
    data = codec.encode(video, Q)
    _measure(benchmark, lambda: tuple(codec.decode(data)))


@pytest.mark.benchmark(group="encode 352x288")
@pytest.mark.parametrize(("encoder", "preset"), [("x264", "veryslow"), ("x265", "medium")])
def test_their_encoder(benchmark: BenchmarkFixture, video: Video, encoder, preset: str) -> None:
    settings = AnchorSettings(encoder, preset, 30, threads=torch.get_num_threads())
    _measure(benchmark, lambda: anchors.encode(video, settings))


@pytest.mark.benchmark(group="decode 352x288")
@pytest.mark.parametrize(("encoder", "preset"), [("x264", "veryslow"), ("x265", "medium")])
def test_their_decoder(benchmark: BenchmarkFixture, video: Video, encoder, preset: str) -> None:
    settings = AnchorSettings(encoder, preset, 30, threads=torch.get_num_threads())
    stream = anchors.encode(video, settings)
    _measure(benchmark, lambda: anchors.decode(stream))
