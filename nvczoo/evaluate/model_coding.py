"""A model codes a video: the real stream, what it decodes to, and what each frame consists of."""

from __future__ import annotations

import io
import json
import tempfile
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nvczoo
from nvczoo.codec.arithmetic import FLOAT32
from nvczoo.codec.container import Packet, StreamWriter
from nvczoo.codec.encoder import EncoderSession
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.gop_options import describe_gop, with_intra_period
from nvczoo.codec.header import StreamHeader
from nvczoo.codec.pictures import picture_checksum
from nvczoo.codec.video import Video
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import ArithmeticMismatch, SettingError
from nvczoo.evaluate.anatomy import WatchingWriter
from nvczoo.evaluate.coded import Coded, CodedFrame
from nvczoo.evaluate.measure import decode_in_new_process
from nvczoo.interfaces import EntropyCoder, GopStructure
from nvczoo.loading import SwappedPartWarning
from nvczoo.video.picture import Picture

if TYPE_CHECKING:
    from nvczoo.evaluate.contenders import CodingSetting, ModelContender

SAME_PROCESS = "decoded in the same process, every picture equal to the encoder's"
NEW_PROCESS = "decoded in a new process, every picture equal to the encoder's, bit for bit"
Step = tuple[FramePacket, WatchingWriter]
Parts = tuple[tuple[str, str], ...]  # name or path -> value as JSON


def code_with_model(contender: ModelContender, video: Video, q: float, setting: CodingSetting) -> Coded:
    """Encode, decode, compare with what the encoder saw; raises ArithmeticMismatch if that differs."""
    codec = loaded_model(contender.model, contender.parts, contender.device, contender.precision)
    gop = _gop(codec, setting.intra_period)
    start = time.perf_counter()
    data, steps = encode_watched(codec, video, q, gop)
    encoded = time.perf_counter()
    decoded = codec.decode(data).pictures
    seconds = encoded - start, time.perf_counter() - encoded
    _check(decoded, steps, "the same process")
    if setting.real_bitstream:
        _check(_from_new_process(data, contender), steps, "a new process")
    return Coded(
        len(data),
        decoded,
        _frames(steps),
        seconds,
        f"q={q:g} gop={_described(gop)} coder={codec.coder.format} layout={codec.layout} "
        f"precision={codec.precision}",
        codec.identity.hex(),
        NEW_PROCESS if setting.real_bitstream else SAME_PROCESS,
        next((writer.anatomy for packet, writer in steps if setting.still in packet.frames), None),
        codec.padded_size((video.info.height, video.info.width)),
    )


def encode_watched(codec: VideoCodec, video: Video, q: float, gop: GopStructure) -> tuple[bytes, list[Step]]:
    """Return the very bytes that ``codec.encode`` gives, and each packet with its writer.

    The packets have the checksums of the encoder's pictures; the bytes do not hold them.
    """
    writers: list[WatchingWriter] = []

    def watching(coder: EntropyCoder) -> WatchingWriter:
        writers.append(WatchingWriter(coder))
        return writers[-1]

    info = replace(video.info, tracks=())
    session = EncoderSession(codec, info, codec.q_or_default(q), gop, picture_checksums=True, writer=watching)
    packets = [packet for picture in video for packet in session.push(picture)] + session.flush()
    file = io.BytesIO()
    stream = StreamWriter(file)
    for packet in packets:
        stream.write(_without_checksum(packet))
    coded = [packet for packet in packets if isinstance(packet, FramePacket)]
    return file.getvalue(), list(zip(coded, writers, strict=True))


@lru_cache(maxsize=1)
def loaded_model(model: str, parts: Parts, device: str, precision: str = FLOAT32) -> VideoCodec:
    """Return the model; one is kept, for jobs come model by model."""
    swaps = {name: json.loads(value) for name, value in parts}
    by_path = {name: value for name, value in swaps.items() if "." in name}
    by_name = {name: value for name, value in swaps.items() if "." not in name}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SwappedPartWarning)  # whoever swaps parts to measure them knows
        return nvczoo.load(model, device=device, parts=by_path, precision=precision, **by_name)


def _gop(codec: VideoCodec, period: int) -> GopStructure:
    with suppress(SettingError):  # all-intra has none: each frame is an intra frame whatever is asked for
        return with_intra_period(codec.gop, period)
    return codec.gop


def _described(gop: GopStructure) -> str:
    description = describe_gop(gop)
    return f"{description.name}({', '.join(f'{name}={value}' for name, value in description.options)})"


def _without_checksum(packet: Packet) -> Packet:
    if isinstance(packet, StreamHeader):
        return replace(packet, picture_checksums=False)
    if isinstance(packet, FramePacket):
        return replace(packet, picture=None, base_picture=None)
    return packet


def _check(pictures: Sequence[Picture], steps: list[Step], where: str) -> None:
    for packet, _ in steps:
        planes = [pictures[frame].planes for frame in packet.frames if frame < len(pictures)]
        if picture_checksum(planes) != packet.picture:
            raise ArithmeticMismatch(
                f"Frame {packet.frame}, decoded in {where}, is not the one the encoder saw"
            )


def _from_new_process(data: bytes, contender: ModelContender) -> Sequence[Picture]:
    arguments = ["-m", contender.model, "--device", contender.device]
    for name, value in contender.parts:
        arguments += ["--part", f"{name}={_as_option(json.loads(value))}"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream.nvc"
        path.write_bytes(data)
        return decode_in_new_process(path, arguments)


def _as_option(value: Any) -> str:
    """Return a part's value as ``--part`` reads it: a name as it is, all else as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_as_toml(one)}" for key, one in value.items()) + "}"
    return value if isinstance(value, str) else _as_toml(value)


def _as_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_as_toml, value)) + "]"
    if isinstance(value, dict):
        return _as_option(value)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _frames(steps: list[Step]) -> tuple[CodedFrame, ...]:
    """Return the frames in display order; a chunk's bits are shared out evenly."""
    frames: dict[int, CodedFrame] = {}
    for packet, writer in steps:
        share = len(packet.frames)
        bits = 8 * sum(len(layer.data) for layer in packet.layers)
        parts = {name: round(value / share, 1) for name, value in writer.anatomy.parts.items()}
        for frame in packet.frames:
            frames[frame] = CodedFrame(round(bits / share), packet.intra, parts)
    return tuple(frames[number] for number in sorted(frames))
