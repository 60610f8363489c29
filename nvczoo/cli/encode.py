"""``nvczoo encode``: a video becomes a stream."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from nvczoo.cli.options import add_model_arguments, count, load_model, part_value, quality, size
from nvczoo.cli.text import tell

if TYPE_CHECKING:
    from nvczoo.codec.files import FileResult
    from nvczoo.video.reader import VideoReader

SUMMARY = "encode a video into a .nvc stream"
EXAMPLE = "nvczoo encode -i clip.mp4 -o clip.nvc -m ev-nvc-s -q 32"
DEFAULT_MODEL = "ev-nvc-s"
DEFAULT_Q = 32.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("-i", "--input", required=True, help='video: mp4, mkv, webm, y4m, yuv ...; "-" is y4m on stdin')
    add("-o", "--output", required=True, metavar="OUT.nvc", help='stream; "-" is stdout')
    add(
        "-q",
        "--quality",
        type=quality,
        default=DEFAULT_Q,
        metavar="Q",
        help=f"0 to 63, fractions allowed: larger is better, and bigger (default: {DEFAULT_Q:g})",
    )
    add_model_arguments(
        parser,
        DEFAULT_MODEL,
        f"name, hf-hub:OWNER/NAME@REVISION or local-dir:FOLDER (default: {DEFAULT_MODEL})",
    )
    add(
        "-g",
        "--intra-period",
        type=int,
        metavar="FRAMES",
        help="from one intra frame to the next; -1: only one",
    )
    add(
        "--gop", type=part_value, metavar="NAME", help="GOP structure: all-intra, low-delay, hierarchical ..."
    )
    add("--frames", type=count, metavar="N", help="encode no more than this many")
    add("--picture-checksums", action="store_true", help="4 bytes a frame, to prove decoded pictures by")
    add("--convert", action="store_true", help="convert what is not 8-bit 4:2:0, instead of refusing it")
    add("--no-audio", action="store_true", help="leave audio and subtitles out")
    raw = parser.add_argument_group("raw .yuv")
    raw.add_argument("-s", "--size", type=size, metavar="WxH", help="width and height in pixels")
    raw.add_argument("-r", "--rate", help="frames per second: 25, 29.97 or 30000/1001")
    raw.add_argument("-pix_fmt", "--pixel-format", help="as libav names it (default: yuv420p)")
    add("-y", "--overwrite", action="store_true", help="replace the output if it exists")


def run(arguments: argparse.Namespace) -> int:
    """Encode."""
    from nvczoo.cli.pipes import check_terminal
    from nvczoo.cli.progress import progress_line, summary, wanted
    from nvczoo.codec.files import EncodeOptions

    check_terminal(arguments.input, arguments.output)
    options = EncodeOptions(
        arguments.intra_period, arguments.frames, arguments.picture_checksums, not arguments.no_audio
    )
    with _opened(arguments) as reader:
        gop = {} if arguments.gop is None else {"gop": arguments.gop}
        codec = load_model(arguments.model, arguments, gop)
        begin = time.monotonic()
        with progress_line("encode", arguments.quiet) as report:
            result = codec.encode_file(
                reader, arguments.output, arguments.quality, options, arguments.overwrite, report
            )
        if not arguments.quiet:
            _tell_what_changed(reader, result)
        if wanted(arguments.quiet):
            tell(f"{arguments.output}: {summary(result, time.monotonic() - begin)}")
    return 0


def _opened(arguments: argparse.Namespace) -> VideoReader:
    from nvczoo.video.reader import open_video

    return open_video(
        arguments.input,
        arguments.size,
        arguments.rate,
        arguments.pixel_format,
        arguments.convert,
        tracks=not arguments.no_audio,
    )


def _tell_what_changed(reader: VideoReader, result: FileResult) -> None:
    if reader.conversion is not None:
        tell(f"note: the pictures were converted: {reader.conversion}")
    for stream in result.left_out:
        tell(f"note: left out: {stream}")
