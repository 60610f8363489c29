"""From a codec and a video to a result: encode, decode, compare, and take the time."""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import torch

import nvczoo
from nvczoo.codec.container import StreamReader
from nvczoo.codec.files import EncodeOptions
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.pictures import picture_checksum
from nvczoo.codec.video import Video
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import ArithmeticMismatch, StreamError
from nvczoo.evaluate import anchors
from nvczoo.evaluate.anchors import AnchorSettings, AnchorStream
from nvczoo.evaluate.metrics import VideoQuality, video_quality
from nvczoo.evaluate.results import Conditions, Result, result_of
from nvczoo.video.picture import Picture
from nvczoo.video.reader import open_video

# The installed command, without relying on where its script was put.
COMMAND = (sys.executable, "-c", "from nvczoo.cli.main import main; raise SystemExit(main())")
DECODE_LIMIT = 3600  # seconds for one clip, after which a new process counts as hanging
WARM_UP_FRAMES = 2  # coded before the clock starts: an intra and an inter frame


@dataclass(frozen=True, eq=False)
class Measurement:
    """A result, what was decoded, and the quality of each picture."""

    result: Result
    pictures: Sequence[Picture]
    quality: VideoQuality


def measure_codec(
    codec: VideoCodec, video: Video, q: float, options: EncodeOptions, path: Path
) -> Measurement:
    """Encode into ``path``, decode that in a new process, and return what it is worth.

    Raises ArithmeticMismatch unless the new process gives the pictures the encoder saw, bit for bit.
    """
    codec.encode(video.pictures[:WARM_UP_FRAMES], q, options, video.info)
    start = time.perf_counter()
    size = codec.encode_file(video, path, q, options, overwrite=True).size
    encoded = time.perf_counter()
    codec.decode(path)
    decoded = time.perf_counter()
    pictures = decode_in_new_process(path)
    check_pictures(path, pictures)
    quality = video_quality(video, pictures)
    fps = len(video) / (encoded - start), len(video) / (decoded - encoded)
    settings = f"identity {codec.identity.hex()[:16]}, q={q:g}"
    result = result_of(codec.name, point_of(q), settings, size, quality.mean, fps)
    return Measurement(result, pictures, quality)


def measure_anchor(
    video: Video, settings: AnchorSettings, targets: Sequence[Result]
) -> tuple[Measurement, ...]:
    """Return an anchor at the sizes of other results."""
    sizes = tuple(target.size for target in targets)
    streams = anchors.match_sizes(sizes, settings, partial(anchors.encode, video))
    pairs = zip(streams, targets, strict=True)
    return tuple(_anchor_measurement(video, stream, target.point) for stream, target in pairs)


def decode_in_new_process(path: Path, arguments: Sequence[str] = ()) -> list[Picture]:
    """Return the pictures that ``nvczoo decode`` finds in a stream, started as a user would.

    ``arguments`` name the model, where the stream's own name for it is not enough.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "decoded.y4m"
        command = [*COMMAND, "decode", "-i", str(path), "-o", str(target), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DECODE_LIMIT, check=False)
        if done.returncode:
            cause = done.stderr.strip() or f"exit code {done.returncode}"
            raise StreamError(f"{path.name} could not be decoded in a new process: {cause}")
        with open_video(target) as reader:
            return list(reader)


def check_pictures(path: Path, pictures: Sequence[Picture]) -> None:
    """Raise ArithmeticMismatch unless these are the pictures the encoder noted in the stream.

    The stream must have been made with ``picture_checksums``.
    """
    count = 0
    with path.open("rb") as file:
        for packet in StreamReader(file):
            if isinstance(packet, FramePacket):
                planes = [pictures[frame].planes for frame in packet.frames if frame < len(pictures)]
                if packet.picture is None or picture_checksum(planes) != packet.picture:
                    raise ArithmeticMismatch(
                        f"{path.name}: frame {packet.frame}, decoded in a new process, is not the one the "
                        "encoder saw"
                    )
                count += len(packet.frames)
    if count != len(pictures):
        raise ArithmeticMismatch(f"{path.name} holds {count} pictures, {len(pictures)} were decoded")


def conditions_of(video: Video, clip: str, intra_period: int, device: torch.device) -> Conditions:
    """Return the conditions of measurements made here and now."""
    libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
    versions = (
        ("nvczoo", nvczoo.__version__),
        ("torch", torch.__version__),
        ("PyAV", av.__version__),
        ("libavcodec", libavcodec),
        ("Python", platform.python_version()),
        ("system", f"{platform.system()} {platform.machine()}"),
    )
    info = video.info
    return Conditions(
        clip,
        info.width,
        info.height,
        len(video),
        str(info.frame_rate),
        intra_period,
        torch.get_num_threads(),
        str(device),
        versions,
    )


def point_of(q: float) -> str:
    """Return the name of a point on our curve."""
    return f"q {q:g}"


def _anchor_measurement(video: Video, stream: AnchorStream, point: str) -> Measurement:
    pictures, seconds = anchors.decode(stream)
    quality = video_quality(video, pictures)
    fps = len(video) / stream.encode_seconds, len(video) / seconds
    settings = stream.settings
    result = result_of(settings.label, point, str(settings), stream.size, quality.mean, fps)
    return Measurement(result, pictures, quality)
