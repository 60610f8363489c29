"""Writes mkv, webm, mp4 and mov."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO

import av
from av.error import FFmpegError
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from nvczoo.errors import VideoError
from nvczoo.video.convert import fill_plane
from nvczoo.video.libav_errors import video_errors
from nvczoo.video.libav_tracks import TrackOutput
from nvczoo.video.picture import Picture, VideoInfo
from nvczoo.video.tracks import Track, TrackPacket
from nvczoo.video.writer import VideoWriter

Choice = tuple[str, Mapping[str, str]]  # codec, options
FFV1: Choice = ("ffv1", {"level": "3", "slicecrc": "1"})
X264: Choice = ("libx264", {"qp": "0", "preset": "veryfast"})
VP9: Choice = ("libvpx-vp9", {"lossless": "1", "cpu-used": "5", "row-mt": "1"})
KEEP_ASPECT = ("libx264", "libx265")  # in their own headers; PyAV cannot put it into those of Matroska
LOSSLESS = {"matroska": FFV1, "webm": VP9, "mp4": X264, "mov": X264}


class LibavWriter(VideoWriter):
    """Encodes pictures into a container, and puts packets of other tracks beside them."""

    def __init__(
        self,
        file: BinaryIO,
        container: str,
        info: VideoInfo,
        choice: tuple[str | None, Mapping[str, str] | None],
        tracks: Sequence[Track],
    ) -> None:
        super().__init__(info)
        self._pts: int | None = None
        self._outputs: dict[int, TrackOutput] = {}
        with video_errors(f"{container} cannot be written"):
            self._container = av.open(file, "w", format=container)
        try:
            self._stream = self._add_video(container, *_choose(container, info, *choice))
            for track in tracks:
                if track.number in self._outputs:
                    raise VideoError(f"Two tracks have the number {track.number}; each needs its own")
                self._outputs[track.number] = TrackOutput(self._container, track, container)
            self._start(container, tracks)
        except BaseException:
            self.close()
            raise

    def write(self, picture: Picture) -> None:
        """Write one picture of the size in ``info``; timestamps must advance."""
        self.check(picture)
        pts = self._next_pts(picture)
        with video_errors(f"The picture at pts {pts} cannot be written"):
            frame = av.VideoFrame(picture.width, picture.height, "yuv420p")
            for index, plane in enumerate(picture.planes):
                fill_plane(frame, index, plane)
            _tag(frame, self.info)
            frame.pts, frame.time_base = pts, self.info.time_base
            self._container.mux(self._stream.encode(frame))

    def write_packet(self, packet: TrackPacket) -> None:
        """Write one packet of a track this writer was opened with; its times must not go back."""
        output = self._outputs.get(packet.track)
        if output is None:
            known = sorted(self._outputs) or "none"
            raise VideoError(f"A packet belongs to track {packet.track}; the tracks of this file are {known}")
        output.write(packet)

    def finish(self) -> None:
        """Write what the encoder still holds, and the index."""
        with video_errors("The end of the video cannot be written"):
            if self._pts is not None:
                self._container.mux(self._stream.encode(None))
            self._container.close()

    def close(self) -> None:
        """Let go of everything, finished or not."""
        # Closing writes the index, which fails if nothing was encoded: the file is thrown away then.
        with suppress(FFmpegError, OSError, ValueError):
            self._container.close()
        for output in self._outputs.values():
            output.close()

    def _next_pts(self, picture: Picture) -> int:
        last = self._pts
        expected = 0 if last is None else last + self.info.frame_duration
        pts = expected if picture.pts is None else picture.pts
        if last is not None and pts <= last:
            raise VideoError(f"A picture has the time {pts} after one with {last}; times must advance")
        self._pts = pts
        return pts

    def _start(self, container: str, tracks: Sequence[Track]) -> None:
        try:
            self._container.start_encoding()
        except (FFmpegError, ValueError) as error:
            # Most formats tell only now, and not which track it is.
            misfits = ", ".join(f"{t.number} ({t.codec})" for t in tracks if not fits(container, t))
            cause = f"it has no place for track {misfits}; write .mkv" if misfits else error
            raise VideoError(f"{container} cannot be written with these streams: {cause}") from error

    def _add_video(self, container: str, codec: str, options: Mapping[str, str]) -> VideoStream:
        info = self.info
        with video_errors(f"{codec} cannot code {info.width}x{info.height} for {container}"):
            stream = self._container.add_stream(codec, rate=info.frame_rate, options=dict(options))
            assert isinstance(stream, VideoStream)  # ``_choose`` has looked
            context = stream.codec_context
            context.width, context.height, context.pix_fmt = info.width, info.height, "yuv420p"
            context.time_base = stream.time_base = info.time_base
            context.sample_aspect_ratio = info.sample_aspect
            context.color_range = ColorRange.JPEG if info.colour.full_range else ColorRange.MPEG
            context.colorspace = info.colour.matrix
            context.color_primaries = info.colour.primaries
            context.color_trc = info.colour.transfer
            context.thread_type = "AUTO"
            if info.rotation:
                stream.set_display_rotation(info.rotation)
            context.open()  # here and not with the first picture, so that the message can name the codec
        return stream


def fits(container: str, track: Track) -> bool:
    """Return whether a container can hold the track."""
    with suppress(VideoError, FFmpegError):
        with av.open(io.BytesIO(), "w", format=container) as trial:
            output = TrackOutput(trial, track, container)
            trial.start_encoding()
            output.close()
        return True
    return False


def _choose(
    container: str, info: VideoInfo, codec: str | None, options: Mapping[str, str] | None
) -> tuple[str, Mapping[str, str]]:
    codec, settings = (codec, {}) if codec is not None else _default(container, info)
    if info.sample_aspect != 1 and container in ("matroska", "webm") and codec not in KEEP_ASPECT:
        raise VideoError(
            f"{codec} in {container} cannot keep the sample aspect {info.sample_aspect}; write .mp4, or set "
            "sample_aspect to 1 to let it go"
        )
    try:
        kind = av.Codec(codec, "w").type
    except ValueError as error:
        raise VideoError(f"This build of libav has no encoder {codec!r}; write .mkv in ffv1") from error
    if kind != "video":
        raise VideoError(f"{codec!r} codes no video; libx264, libx265, ffv1 and libvpx-vp9 do")
    return codec, {**settings, **(options or {})}


def _default(container: str, info: VideoInfo) -> Choice:
    if info.width % 2 == 0 and info.height % 2 == 0:
        square = info.sample_aspect == 1
        return X264 if container == "matroska" and not square else LOSSLESS[container]
    # x264 codes 4:2:0 with even sides only, and mov takes neither VP9 nor FFV1.
    if container == "mov":
        size = f"{info.width}x{info.height}"
        raise VideoError(f"mov has no lossless codec for the odd size {size}; write .mkv or .mp4")
    return VP9 if container == "mp4" else LOSSLESS[container]


def _tag(frame: av.VideoFrame, info: VideoInfo) -> None:
    frame.color_range = ColorRange.JPEG if info.colour.full_range else ColorRange.MPEG
    frame.colorspace = info.colour.matrix
    frame.color_primaries = info.colour.primaries
    frame.color_trc = info.colour.transfer
