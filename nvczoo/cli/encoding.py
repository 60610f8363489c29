"""What ``nvczoo encode`` reads from and encodes with, by its arguments; for one q and for targets alike."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from nvczoo.cli.options import LOCAL, engine_from
from nvczoo.cli.text import tell
from nvczoo.errors import SettingError

if TYPE_CHECKING:
    from nvczoo.codec.files import FileResult, OpensEncoders
    from nvczoo.codec.video_codec import VideoCodec
    from nvczoo.video.reader import VideoReader

PIPE = "-"  # as nvczoo.codec.files has it, whose import would bring torch


def check_engine(arguments: argparse.Namespace) -> None:
    """Raise SettingError for an engine that is not there, or a video it cannot read, before a model loads."""
    if arguments.engine == LOCAL:
        return
    engine_from(arguments)
    if arguments.input == PIPE:
        raise SettingError("Encoding in parts reads the video in several places: name a file, no pipe")


def encoders_of(codec: VideoCodec, arguments: argparse.Namespace, gop: dict[str, object]) -> OpensEncoders:
    """Return the codec, or what encodes closed groups of frames by it on an engine."""
    if arguments.engine == LOCAL:
        return codec
    from nvczoo.evaluate.contenders import model_contender
    from nvczoo.evaluate.parallel_encode import ParallelEncoder, Source

    swaps = dict(arguments.part) | gop
    model = model_contender(
        arguments.model, swaps=swaps, device=arguments.device, precision=arguments.precision
    )
    size = arguments.size if isinstance(arguments.size, tuple) else None
    source = Source(
        os.path.abspath(arguments.input), size, arguments.rate, arguments.pixel_format, arguments.convert
    )
    return ParallelEncoder(codec, model, source, engine_from(arguments))


def opened(arguments: argparse.Namespace) -> VideoReader:
    """Return a reader of the video."""
    from nvczoo.video.reader import open_video

    return open_video(
        arguments.input,
        arguments.size if isinstance(arguments.size, tuple) else None,
        arguments.rate,
        arguments.pixel_format,
        arguments.convert,
        tracks=not arguments.no_audio,
    )


def tell_what_changed(reader: VideoReader, result: FileResult) -> None:
    """Tell what became of the pictures on the way, and what is not carried."""
    if reader.conversion is not None:
        tell(f"note: the pictures were converted: {reader.conversion}")
    for stream in result.left_out:
        tell(f"note: left out: {stream}")
