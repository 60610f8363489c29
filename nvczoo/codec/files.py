"""From file to file, picture by picture, so that memory stays flat."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from nvczoo.codec.container import Packet, StreamReader, StreamWriter
from nvczoo.codec.decoder import MAX_PIXELS, DecoderSession
from nvczoo.codec.interleaved_writer import InterleavedWriter
from nvczoo.codec.lookahead import LOOKAHEAD
from nvczoo.codec.scalable import LayerChoice, shown_info
from nvczoo.codec.video import Video, open_any
from nvczoo.errors import SettingError, VideoError
from nvczoo.interfaces import THOROUGH
from nvczoo.video.atomic import atomic_output
from nvczoo.video.picture import Picture, VideoInfo
from nvczoo.video.reader import VideoReader
from nvczoo.video.tracks import Track, TrackPacket
from nvczoo.video.writer import VideoWriter, can_hold, create_video

if TYPE_CHECKING:
    from nvczoo.codec.video_codec import VideoCodec

PIPE = "-"

Data = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO


@dataclass(frozen=True)
class EncodeOptions:
    """How to encode, beside ``q``; None: as the model's card has it."""

    intra_period: int | None = None  # frames from one intra frame to the next, -1: only the first
    frames: int | None = None  # encode no more than this many
    picture_checksums: bool = False  # 4 bytes a frame, which prove the decoded picture to the bit
    tracks: bool = True  # carry audio and subtitles along
    layers: LayerChoice = "all"  # "base": code the base layer alone, of a codec that has layers
    effort: int = THOROUGH  # 0 to 2: what the encoder searches for to make the stream smaller
    lookahead: int = LOOKAHEAD  # frames that may wait with effort 2, so that each gets the q it is worth


@dataclass(frozen=True)
class DecodeOptions:
    """What to decode."""

    start: int = 0  # the first frame wanted; found by the index, so not in a pipe
    frames: int | None = None  # decode no more than this many
    max_pixels: int = MAX_PIXELS  # refuse larger pictures
    tracks: bool = True  # put audio and subtitles back
    layers: LayerChoice = "all"  # "base": show the base layer alone, and read no other
    codec: str | None = None  # libav's name of what compresses the video file; None: without loss
    codec_options: tuple[tuple[str, str], ...] = ()  # of that codec, such as ("crf", "18")


ENCODE_DEFAULTS, DECODE_DEFAULTS = EncodeOptions(), DecodeOptions()


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    frames: int  # done
    total: int | None  # if known
    size: int  # bytes written or read so far, of the compressed stream
    info: VideoInfo


@dataclass(frozen=True)
class FileResult:
    """What a job did."""

    frames: int
    size: int  # bytes of the compressed stream
    info: VideoInfo
    dropped: tuple[Track, ...] = ()  # when decoding: tracks that the target cannot hold
    left_out: tuple[str, ...] = ()  # when encoding: streams of the source that are not carried


Report = Callable[[Progress], None]


class Encoding(Protocol):
    """What takes pictures and gives packets, as ``EncoderSession`` does."""

    def pushing(self, picture: Picture, /) -> Iterator[Packet]:
        """Give the packets that are ready."""
        ...

    def flushing(self, track_packets: int, /) -> Iterator[Packet]:
        """Give the last packets."""
        ...


class OpensEncoders(Protocol):
    """What opens encoder sessions, as ``VideoCodec`` does."""

    def encoder(self, info: VideoInfo, q: float | None, options: EncodeOptions, /) -> Encoding:
        """Return a session for a video."""
        ...


def encode_stream(
    codec: OpensEncoders,
    reader: VideoReader,
    file: BinaryIO,
    q: float | None,
    options: EncodeOptions,
    progress: Report | None = None,
) -> FileResult:
    """Encode what ``reader`` gives into ``file``, which is never sought."""
    _check_limit("frames", options.frames, 1)
    info = reader.info if options.tracks else replace(reader.info, tracks=())
    session = codec.encoder(info, q, options)
    writer = InterleavedWriter(StreamWriter(file))
    total = _least(info.frame_count, options.frames)

    def write(packets: Iterable[Packet]) -> None:
        for frames in writer.write(packets):
            if progress is not None:
                progress(Progress(frames, total, writer.size, info))

    for picture in islice(reader, options.frames):
        write(session.pushing(picture))
        if info.tracks:
            writer.add_tracks(reader.take_packets())
    if info.tracks and options.frames is None:
        writer.add_tracks(reader.take_packets())
    write(session.flushing(writer.track_packets))
    return FileResult(writer.frames, writer.size, info, left_out=reader.left_out)


def encode_file(
    codec: OpensEncoders,
    source: object,
    target: str | os.PathLike[str],
    q: float | None,
    options: EncodeOptions,
    overwrite: bool = False,
    progress: Report | None = None,
) -> FileResult:
    """Encode a video into a file, which appears when it is complete, or to stdout ("-")."""
    with ExitStack() as stack:
        reader = stack.enter_context(open_any(source, tracks=options.tracks))
        file = stack.enter_context(output(target, overwrite))
        return encode_stream(codec, reader, file, q, options, progress)


def decode_all(codec: VideoCodec, data: Data, options: DecodeOptions) -> Video:
    """Return the whole video in memory."""
    with opened(data) as file:
        stream = _Decoding(codec, _reader(file, options), options)
        pictures = tuple(stream)
    info = replace(stream.info, frame_count=len(pictures))
    return Video(info, pictures, tuple(stream.packets))


def decode_file(
    codec: VideoCodec,
    source: Data,
    target: str | os.PathLike[str],
    options: DecodeOptions,
    overwrite: bool = False,
    progress: Report | None = None,
) -> FileResult:
    """Decode a stream into a video file, or to stdout ("-") in y4m."""
    with opened(source) as file:
        reader = _reader(file, options)
        count = reader.count_frames()
        total = _least(None if count is None else count - options.start, options.frames)
        decoding = _Decoding(codec, reader, options)
        kept = tuple(track for track in decoding.info.tracks if target != PIPE and can_hold(target, track))
        dropped = tuple(track for track in decoding.info.tracks if track not in kept)
        frames = 0
        compression = (options.codec, dict(options.codec_options))
        with create_video(target, decoding.info, *compression, kept, overwrite) as writer:
            for picture in decoding:
                writer.write(picture)
                frames += 1
                _write_packets(writer, decoding.packets, kept)
                if progress is not None:
                    progress(Progress(frames, total, reader.position, decoding.info))
            _write_packets(writer, decoding.packets, kept)
        return FileResult(frames, reader.position, decoding.info, dropped)


class _Decoding:
    """An iterator over the wanted pictures of a stream; gathers the packets of its tracks on the way."""

    def __init__(self, codec: VideoCodec, reader: StreamReader, options: DecodeOptions) -> None:
        _check_limit("start", options.start, 0)
        _check_limit("frames", options.frames, 1)
        info = shown_info(reader.header, options.layers)
        self.info = info if options.tracks else replace(info, tracks=())
        self.packets: list[TrackPacket] = []
        self._reader = reader
        self._frames = options.frames
        seek = reader.seek(options.start)
        self._session = DecoderSession(codec, seek, options.max_pixels, options.layers)

    def __iter__(self) -> Iterator[Picture]:
        return islice(self._pictures(), self._frames)

    def _pictures(self) -> Iterator[Picture]:
        self._session.push(self._reader.header)
        for packet in self._reader:
            if isinstance(packet, TrackPacket) and self.info.tracks:
                self.packets.append(packet)
            yield from self._session.push(packet)
        yield from self._session.flush()


def _reader(file: BinaryIO, options: DecodeOptions) -> StreamReader:
    return StreamReader(file, skip_layers=options.layers == "base")


@contextmanager
def opened(data: Data) -> Iterator[BinaryIO]:
    """Give a binary file of bytes, a path, stdin ("-") or a file object."""
    if isinstance(data, bytes | bytearray | memoryview):
        yield io.BytesIO(data)
    elif data == PIPE:
        yield sys.stdin.buffer
    elif isinstance(data, str | os.PathLike):
        with _opened_file(Path(data)) as file:
            yield file
    elif hasattr(data, "read"):
        yield data
    else:
        raise SettingError(
            f"A {type(data).__name__} is no stream: give bytes, a path or a binary file object"
        )


def _opened_file(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise VideoError(f"Cannot open {str(path)!r}: {error.strerror or error}") from error


@contextmanager
def output(target: str | os.PathLike[str], overwrite: bool) -> Iterator[BinaryIO]:
    """Give the binary file to write: one that appears when it is complete, or stdout ("-")."""
    if target == PIPE:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with atomic_output(target, overwrite) as temporary, temporary.open("wb") as file:
        yield file


def _write_packets(writer: VideoWriter, packets: list[TrackPacket], kept: tuple[Track, ...]) -> None:
    numbers = {track.number for track in kept}
    for packet in _drained(packets):
        if packet.track in numbers:
            writer.write_packet(packet)


def _drained(packets: list[TrackPacket]) -> list[TrackPacket]:
    """Return what is in the list, and leave it empty."""
    taken = packets[:]
    packets.clear()
    return taken


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _check_limit(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise SettingError(f"{name}={value}: give at least {least}")
