"""Video files and pipes, in and out."""

from nvczoo.video.atomic import atomic_output
from nvczoo.video.picture import Colour, Picture, VideoInfo
from nvczoo.video.reader import VideoReader, open_video, parse_rate
from nvczoo.video.tracks import Track, TrackPacket
from nvczoo.video.writer import VideoWriter, can_hold, create_video

__all__ = [
    "Colour",
    "Picture",
    "Track",
    "TrackPacket",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "atomic_output",
    "can_hold",
    "create_video",
    "open_video",
    "parse_rate",
]
