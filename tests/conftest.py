"""What several tests need, and how many threads a test may use."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from small_parts import SMALL

from nvczoo import cards, components
from nvczoo.codec import Video
from nvczoo.video import Picture, VideoInfo

SHARED = Path(__file__).parents[2] / "shared" / "data"  # beside the checkout; cannot ship with it
TINY_SIZE, TINY_FRAMES = (48, 64), 4  # (H, W) in pixels


def pytest_configure() -> None:
    """Give each process one thread, its children too, so that workers do not get in each other's way."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seed torch before a test and its fixtures, so that weights do not depend on which tests ran before."""
    torch.manual_seed(0)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the parts of ``small_parts.py`` for one test."""
    monkeypatch.setattr(components, "_registered", dict(SMALL))


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that makes a package of cards, which nvczoo then sees instead of its own."""
    monkeypatch.syspath_prepend(tmp_path)
    offers = [one for one in components._installed() if one.kind != cards.KIND]
    monkeypatch.setattr(components, "_installed", lambda: tuple(offers))

    def make(package: str) -> Path:
        offers.append(components.Offer("cards", package, package, "1", package))
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        return tmp_path / package

    return make


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of shared sequences (``eval``, ``train``, ``photos``), or skip."""
    if not SHARED.is_dir():
        pytest.skip("the shared sequences, ../shared/data, are not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def tiny_video() -> Video:
    """Return four pictures of 64x48: a ramp and a box that move two pixels a frame."""
    height, width = TINY_SIZE
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None, :]
    pictures = []
    for number in range(TINY_FRAMES):
        y = (2 * rows + columns + 2 * number) % 128 + 64
        y[16:32, 8 + 2 * number : 24 + 2 * number] = 200
        u = 96 + (rows + 2 * columns)[::2, ::2] % 64
        pictures.append(Picture(y.byte(), u.byte(), (u.flip(1) + 32).byte(), number))
    info = VideoInfo(width, height, frame_rate=Fraction(25), time_base=Fraction(1, 25))
    return Video(info, tuple(pictures))


@pytest.fixture(scope="session")
def tiny_clip(tiny_video: Video, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an mp4 file of the tiny video, lossless."""
    path = tmp_path_factory.mktemp("tiny") / "clip.mp4"
    tiny_video.save(path)
    return path


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Return a Matroska file of pictures at uneven times, and half a second of sound."""
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"qp": "0", "bf": "0"})
        video.width, video.height, video.pix_fmt = 32, 16, "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("flac", rate=8000, layout="mono")
        for number, pts in enumerate((0, 40, 80, 200, 240, 280)):
            frame = av.VideoFrame.from_ndarray(np.full((24, 32), 20 * number, np.uint8), "yuv420p")
            frame.pts, frame.time_base = pts, Fraction(1, 1000)
            container.mux(video.encode(frame))
        for number in range(4):
            samples = np.random.default_rng(number).integers(-999, 999, (1, 1152), np.int16)
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate, frame.pts = 8000, number * 1152
            container.mux(sound.encode(frame))
        for stream in (video, sound):
            container.mux(stream.encode(None))
    return path
