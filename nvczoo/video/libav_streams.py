"""What a container says of its streams."""

from __future__ import annotations

from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from nvczoo.errors import SettingError, VideoError
from nvczoo.video.libav_tracks import describe
from nvczoo.video.picture import MAX_FRAME_RATE, MAX_PIXELS, MAX_SIDE, Colour, VideoInfo
from nvczoo.video.tracks import MAX_TRACKS, Track

NO_RATE = Fraction(25)  # pictures per second of what has no time, like a photograph
RATE_ROUNDING = 0.005  # whole milliseconds change a rate by less, a picture missing in a second by more


def main_video(container: InputContainer) -> VideoStream:
    """Return the first video stream that is no cover picture, ready to decode."""
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise VideoError(f"it holds no video stream, only {kinds}")
    video = videos[0]
    context = video.codec_context
    if context is None:
        raise VideoError("its video is coded in a way that this build of libav cannot decode")
    if max(video.width, video.height) > MAX_SIDE or video.width * video.height > MAX_PIXELS:
        raise VideoError(
            f"its pictures are {video.width}x{video.height}; at most {MAX_SIDE} per side is possible"
        )
    context.thread_type = "AUTO"
    context.options = {"max_pixels": str(MAX_PIXELS)}  # of pictures further on, whose size may differ
    return video


def other_tracks(
    container: InputContainer, video: VideoStream, wanted: bool
) -> tuple[dict[int, int], tuple[Track, ...], tuple[str, ...]]:
    """Return stream index -> track number, the tracks, and what is left out in words.

    Streams that are left out are discarded unread.
    """
    numbers: dict[int, int] = {}
    tracks: list[Track] = []
    left_out: list[str] = []
    for stream in container.streams:
        if stream.index == video.index:
            continue
        track = describe(stream, len(tracks)) if wanted and len(tracks) < MAX_TRACKS else None
        if track is None:
            stream.discard = Discard.all
            left_out.append(f"stream {stream.index} ({stream.type}, {stream.name or 'unknown format'})")
        else:
            numbers[stream.index] = track.number
            tracks.append(track)
    return numbers, tuple(tracks), tuple(left_out)


def container_colour(video: VideoStream) -> Colour:
    """Return the colour description of the container, without code points H.273 does not have."""
    context = video.codec_context
    points = (context.colorspace, context.color_primaries, context.color_trc)
    matrix, primaries, transfer = (point if 0 <= point <= 255 else 2 for point in map(int, points))
    return Colour(context.color_range == ColorRange.JPEG, matrix, primaries, transfer)


def video_info(
    container: InputContainer,
    video: VideoStream,
    frame: av.VideoFrame,
    colour: Colour,
    tracks: tuple[Track, ...],
) -> VideoInfo:
    """Return what holds for all pictures, given the first decoded one."""
    rate = _frame_rate(video)
    count = video.frames or None
    if count is None and container.duration:
        count = max(1, round(container.duration * rate / av.time_base))
    try:
        return VideoInfo(
            width=frame.width,
            height=frame.height,
            frame_rate=rate,
            time_base=video.time_base or 1 / rate,
            colour=colour,
            sample_aspect=video.sample_aspect_ratio or Fraction(1),
            frame_count=count,
            rotation=frame.rotation % 360,
            tracks=tracks,
        )
    except SettingError as error:
        raise VideoError(f"its description cannot be used: {error}") from error


def _frame_rate(video: VideoStream) -> Fraction:
    """Return the average rate, or the regular one it is a rounding of."""
    average, regular = video.average_rate, video.base_rate
    if regular and average and abs(average / regular - 1) < RATE_ROUNDING:
        average = regular
    return average if average and 0 < average <= MAX_FRAME_RATE else NO_RATE
