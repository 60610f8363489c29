"""Reads mp4, mkv, webm, mov, images and what else libav knows."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import Self

import av
from av.container import InputContainer
from av.stream import Discard

from nvczoo.errors import VideoError
from nvczoo.video.convert import plan
from nvczoo.video.libav_errors import video_errors
from nvczoo.video.libav_streams import container_colour, main_video, other_tracks, video_info
from nvczoo.video.libav_tracks import take
from nvczoo.video.matroska import HEAD_BYTES, stated_size
from nvczoo.video.picture import Picture, VideoInfo
from nvczoo.video.reader import VideoReader
from nvczoo.video.sources import ByteSource
from nvczoo.video.tracks import TrackPacket

# What may be opened. Playlists, file lists and network formats are left out on purpose: a file must
# not be able to make us open another one.
FORMATS = (
    "matroska,webm,mov,mp4,avi,mpegts,mpeg,mpegvideo,m4v,flv,asf,ogg,nut,ivf,obu,h264,hevc,vvc,mxf,gif,apng,"
    "mjpeg,dv,webp_pipe,png_pipe,jpeg_pipe,bmp_pipe,tiff_pipe,ppm_pipe,pgm_pipe,jpegxl_pipe,rawvideo"
)
MAX_WAITING_BYTES = 1 << 26  # of packets nobody takes: an hour of compressed sound


class LibavReader(VideoReader):
    """Decodes the first video stream of a container; keeps the compressed packets of its other tracks."""

    def __init__(
        self,
        source: ByteSource,
        container: InputContainer,
        convert: bool,
        tracks: bool = False,
        size: int | None = None,
    ) -> None:
        self._source = source
        self._container = container
        self._size = size  # in bytes, if the file states it
        self._waiting: deque[TrackPacket] = deque()
        self._waiting_bytes = 0
        self._last_pts: int | None = None
        self._count = 0
        with video_errors(f"{source.label} cannot be read"):
            self._video = main_video(container)
            self._numbers, found, self.left_out = other_tracks(container, self._video, tracks)
            self._frames = self._decode()
            self._first = next(self._frames, None)
            if self._first is None:
                raise VideoError("it has no picture that can be decoded")
            self._conversion = plan(self._first, container_colour(self._video), convert)
            self.conversion = self._conversion.text
            self.info = video_info(container, self._video, self._first, self._conversion.colour, found)

    @classmethod
    def container(cls, source: ByteSource, convert: bool, tracks: bool) -> Self:
        """Open a file that says what it is."""
        with video_errors(f"{source.label} is no video that can be read"):
            size = stated_size(source.peek(HEAD_BYTES))
            # No protocols: the bytes come from ``source`` and from nowhere else.
            options = {"format_whitelist": FORMATS, "protocol_whitelist": ""}
            opened = av.open(source, "r", container_options=options, metadata_errors="replace")
        return cls._or_close(source, opened, convert, tracks, size)

    @classmethod
    def raw(cls, source: ByteSource, info: VideoInfo, pixel_format: str, convert: bool) -> Self:
        """Open raw video of any pixel format."""
        options = {
            "pixel_format": pixel_format,
            "video_size": f"{info.width}x{info.height}",
            "framerate": str(info.frame_rate),
        }
        with video_errors(f"{source.label} cannot be read as raw {pixel_format}"):
            opened = av.open(source, "r", format="rawvideo", container_options=options)
        return cls._or_close(source, opened, convert)

    @classmethod
    def _or_close(
        cls,
        source: ByteSource,
        opened: InputContainer,
        convert: bool,
        tracks: bool = False,
        size: int | None = None,
    ) -> Self:
        try:
            return cls(source, opened, convert, tracks, size)
        except BaseException:
            opened.close()
            raise

    def __next__(self) -> Picture:
        """Return the next picture."""
        with video_errors(f"{self._source.label}, picture {self._count}"):
            frame = next(self._frames, None) if self._first is None else self._first
            self._first = None
            if frame is not None:
                self._check_unchanged(frame)
                self._count += 1
                return self._conversion.picture(frame, self._time(frame))
        raise StopIteration

    def take_packets(self) -> tuple[TrackPacket, ...]:
        """Return the packets of ``tracks`` met since the last call: ask after each picture and at the end."""
        packets = tuple(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        return packets

    def close(self) -> None:
        """Close decoder and file."""
        self._frames.close()
        self._container.close()
        self._source.close()

    def _decode(self) -> Generator[av.VideoFrame]:
        kept = [stream for stream in self._container.streams if stream.discard != Discard.all]
        for packet in self._container.demux(*kept):
            if packet.is_corrupt:
                raise VideoError("the file is damaged or cut off here")
            if packet.stream.index == self._video.index:  # flush packets have no index of their own
                for frame in self._video.decode(packet):
                    if frame.is_corrupt:
                        raise VideoError("the video is damaged here")
                    yield frame
            elif packet.size:
                self._keep(take(packet, self._numbers[packet.stream.index]))
        found = self._source.end()
        if self._size is not None and found < self._size:
            raise VideoError(f"the file is cut off here: {found} of {self._size} bytes are there")

    def _keep(self, packet: TrackPacket) -> None:
        self._waiting.append(packet)
        self._waiting_bytes += len(packet.data)
        if self._waiting_bytes > MAX_WAITING_BYTES:
            raise VideoError(
                f"more than {MAX_WAITING_BYTES >> 20} MiB of sound and subtitles wait: call take_packets() "
                "after each picture, or open the video with tracks=False"
            )

    def _check_unchanged(self, frame: av.VideoFrame) -> None:
        found = (frame.width, frame.height, frame.format.name)
        wanted = (self.info.width, self.info.height, self._conversion.pixel_format)
        if found != wanted:
            raise VideoError(f"the format changes from {wanted} to {found}; cut the video there")

    def _time(self, frame: av.VideoFrame) -> int:
        """Return the frame's timestamp; one that is missing or does not advance becomes the expected one."""
        expected = 0 if self._last_pts is None else self._last_pts + self.info.frame_duration
        pts = expected if frame.pts is None else frame.pts
        if self._last_pts is not None and pts <= self._last_pts:
            pts = expected
        self._last_pts = pts
        return pts
