"""Sessions, GOP structures, references, the container and ``VideoCodec``."""

from nvczoo.codec.container import StreamReader, StreamWriter
from nvczoo.codec.decoder import DecoderSession
from nvczoo.codec.encoder import EncoderSession
from nvczoo.codec.estimate import Estimate
from nvczoo.codec.files import DecodeOptions, EncodeOptions, FileResult, Progress
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.gop import AllIntra, Hierarchical, LowDelay
from nvczoo.codec.header import LayerDescription, StreamHeader
from nvczoo.codec.info import StreamInfo, read_header, stream_info
from nvczoo.codec.layer_packet import Layer
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.packets import EndPacket
from nvczoo.codec.seeking import Seek
from nvczoo.codec.strip import strip, strip_file
from nvczoo.codec.video import Video
from nvczoo.codec.video_codec import VideoCodec

__all__ = [
    "AllIntra",
    "ConditionalMemory",
    "DecodeOptions",
    "DecoderSession",
    "EncodeOptions",
    "EncoderSession",
    "EndPacket",
    "Estimate",
    "FileResult",
    "FramePacket",
    "Hierarchical",
    "Layer",
    "LayerDescription",
    "LowDelay",
    "Progress",
    "Seek",
    "StreamHeader",
    "StreamInfo",
    "StreamReader",
    "StreamWriter",
    "Video",
    "VideoCodec",
    "read_header",
    "stream_info",
    "strip",
    "strip_file",
]
