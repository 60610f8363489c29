"""``nvczoo decode``: a stream becomes a video again."""

from __future__ import annotations

import argparse
import time

from nvczoo.cli.options import LAYERS, add_model_arguments, count, index, load_decoder
from nvczoo.cli.text import tell
from nvczoo.errors import SettingError

SUMMARY = "decode a .nvc stream into a video"
EXAMPLE = "nvczoo decode -i clip.nvc -o again.mkv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("-i", "--input", required=True, metavar="IN.nvc", help='stream; "-" is stdin')
    add(
        "-o",
        "--output",
        required=True,
        help='mkv, mp4, webm, mov (with audio and subtitles), y4m, yuv; "-" is y4m on stdout',
    )
    add("--start", type=index, default=0, metavar="FRAME", help="first frame wanted, from 0 (default: 0)")
    add("--frames", type=count, metavar="N", help="decode no more than this many")
    add(
        "--layers",
        choices=LAYERS,
        default="all",
        help="all (default), or base: the smaller video of a codec with layers, without reading the rest",
    )
    add("--no-audio", action="store_true", help="leave audio and subtitles out")
    add_model_arguments(parser, None, "model that made the stream (default: the one the stream names)")
    lossy = parser.add_argument_group("compression of the video file (default: none, or without loss)")
    lossy.add_argument("--codec", help="as libav names it: libx264, libx265, ffv1 ...")
    lossy.add_argument("--crf", help="of that codec: larger is smaller, and worse")
    lossy.add_argument(
        "--codec-option",
        type=_option,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other option of that codec (may be repeated)",
    )
    add("-y", "--overwrite", action="store_true", help="replace the output if it exists")


def run(arguments: argparse.Namespace) -> int:
    """Decode."""
    from nvczoo.cli.pipes import check_files, opened_stream
    from nvczoo.cli.progress import progress_line, summary, wanted
    from nvczoo.codec.files import DecodeOptions

    check_files(arguments.input, arguments.output, arguments.overwrite)
    options = DecodeOptions(
        start=arguments.start,
        frames=arguments.frames,
        tracks=not arguments.no_audio,
        layers=arguments.layers,
        codec=arguments.codec,
        codec_options=_codec_options(arguments),
    )
    with opened_stream(arguments.input) as (header, stream):
        codec = load_decoder(header.model, arguments)
        begin = time.monotonic()
        with progress_line("decode", arguments.quiet) as report:
            result = codec.decode_file(stream, arguments.output, options, arguments.overwrite, report)
    if not arguments.quiet:
        for track in result.dropped:
            tell(f"note: left out, as {arguments.output} cannot hold it: {track.kind} in {track.codec}")
    if wanted(arguments.quiet):
        tell(f"{arguments.output}: {summary(result, time.monotonic() - begin)}")
    return 0


def _codec_options(arguments: argparse.Namespace) -> tuple[tuple[str, str], ...]:
    crf = () if arguments.crf is None else (("crf", arguments.crf),)
    options = (*crf, *arguments.codec_option)
    if options and arguments.codec is None:
        raise SettingError("--crf and --codec-option are for a codec: name it with --codec, such as libx264")
    return options


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no option; preset=slow would be")
    return name, value
