"""Tracks and their packets, out of one container and into another."""

from __future__ import annotations

import io
from typing import Any, get_args

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream

from nvczoo.errors import VideoError
from nvczoo.video.libav_errors import video_errors
from nvczoo.video.subtitles import HEADER, RECODE, crossing
from nvczoo.video.tracks import KEYFRAME, MAX_SETUP_BYTES, MAX_TEXT, SetupFormat, Track, TrackPacket

# Matroska readers want to see a packet before they open a file; its content is never looked at.
_DUMMY = b"\0"
# An MP4 header alone, without the samples: for what Matroska cannot hold, such as mov_text subtitles.
_MUXER_OPTIONS = {"matroska": {}, "mp4": {"movflags": "empty_moov+frag_keyframe"}}
_REPEATABLE = {"fflags": "+bitexact"}  # else random identifiers make every stream of one video another


def describe(stream: Stream, number: int) -> Track | None:
    """Return what another container must know of ``stream``, or None if no setup can hold it."""
    kind = stream.type
    if (kind != "audio" and kind != "subtitle") or not stream.time_base or stream.codec_context is None:
        return None
    for setup_format in get_args(SetupFormat):
        setup = _setup(stream, setup_format)
        if setup is not None and len(setup) <= MAX_SETUP_BYTES:
            return Track(
                number=number,
                kind=kind,
                codec=stream.codec_context.codec.canonical_name,
                time_base=stream.time_base,
                setup_format=setup_format,
                setup=setup,
                language=(stream.language or "")[:MAX_TEXT] or None,
                title=stream.metadata.get("title", "")[:MAX_TEXT] or None,
                default=bool(stream.disposition & Disposition.default),
                forced=bool(stream.disposition & Disposition.forced),
            )
    return None


def take(packet: av.Packet[Any], number: int) -> TrackPacket:
    """Return the packet as values."""
    flags = KEYFRAME if packet.is_keyframe else 0
    return TrackPacket(number, packet.pts, packet.dts, packet.duration or 0, flags, bytes(packet))


class TrackOutput:
    """One track of a container that is being written."""

    def __init__(self, output: OutputContainer, track: Track, container: str) -> None:
        self.track = track
        self._last_pts: int | None = None
        self._output = output
        self._what = f"Track {track.number} ({track.codec}, {track.kind})"
        with video_errors(f"{self._what} has a setup that cannot be read"):
            self._setup = _open_setup(track)
        self._codec = crossing(track.codec, container)
        with video_errors(f"{self._what} does not fit {container}: write .mkv, or leave the track out"):
            self._stream = self._add_text() if self._codec else self._add_copy()
            self._stream.time_base = track.time_base
            tags = {"language": track.language, "title": track.title}
            self._stream.metadata.update({name: text for name, text in tags.items() if text})
            wanted = Disposition.default * track.default | Disposition.forced * track.forced
            self._stream.disposition = Disposition(wanted)

    def write(self, packet: TrackPacket) -> None:
        """Write one packet."""
        packet.check(self.track)
        data = RECODE[self._codec](packet.data) if self._codec else packet.data
        if not data:
            return
        out = av.Packet(data)
        out.stream = self._stream
        out.time_base = self.track.time_base
        out.pts, out.dts = packet.pts, packet.dts
        gap = self._gap(packet)
        out.duration = packet.duration or gap
        out.is_keyframe = packet.keyframe
        with video_errors(f"{self._what} has a packet (pts {packet.pts}) that cannot be written"):
            self._output.mux(out)

    def close(self) -> None:
        """Let go of the setup."""
        self._setup.close()

    def _add_copy(self) -> Stream:
        return self._output.add_stream_from_template(self._setup.streams[0])

    def _add_text(self) -> Stream:
        if self._codec != "mov_text":
            return self._output.add_mux_stream(self._codec or "")
        stream = self._output.add_stream(self._codec)
        stream.codec_context.subtitle_header = HEADER
        stream.codec_context.time_base = self.track.time_base
        return stream

    def _gap(self, packet: TrackPacket) -> int:
        """Return the time since the last packet of a sound of unknown duration.

        Matroska leaves out what MP4 needs: without it the last packet would end before it begins.
        """
        last, self._last_pts = self._last_pts, packet.pts
        if self.track.kind != "audio" or last is None or packet.pts is None:
            return 0
        return max(0, packet.pts - last)


def _setup(stream: Stream, setup_format: SetupFormat) -> bytes | None:
    file = io.BytesIO()
    try:
        options = _MUXER_OPTIONS[setup_format] | _REPEATABLE
        with av.open(file, "w", format=setup_format, options=options) as container:
            assert stream.time_base is not None  # ``describe`` has looked
            copy = container.add_stream_from_template(stream)
            container.start_encoding()
            if setup_format == "matroska":
                packet = av.Packet(_DUMMY)
                packet.stream, packet.time_base = copy, stream.time_base
                packet.pts = packet.dts = 0
                packet.duration, packet.is_keyframe = 1, True
                container.mux(packet)
    except (FFmpegError, ValueError):  # this container cannot hold this codec
        return None
    return file.getvalue()


def _open_setup(track: Track) -> InputContainer:
    container = av.open(io.BytesIO(track.setup), "r", format=track.setup_format, metadata_errors="replace")
    streams = container.streams
    found = [(stream.type, getattr(stream.codec_context, "name", None)) for stream in streams]
    codec = streams[0].codec_context.codec.canonical_name if len(streams) == 1 and found[0][1] else None
    if codec != track.codec or found[0][0] != track.kind:
        container.close()
        raise VideoError(f"Its setup describes {found}, not one {track.kind} track of {track.codec}")
    return container
