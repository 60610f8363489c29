"""``nvczoo encode``: a video becomes a stream."""

from __future__ import annotations

import argparse
import time
from typing import Any

from nvczoo.cli.encoding import PIPE, check_engine, encoders_of, opened, tell_what_changed
from nvczoo.cli.options import (
    LAYERS,
    add_arithmetic_argument,
    add_engine_arguments,
    add_model_arguments,
    add_precision_argument,
    amount,
    count,
    load_model,
    part_value,
    quality,
    size_or_bytes,
)
from nvczoo.cli.text import tell
from nvczoo.errors import SettingError

SUMMARY = "encode a video into a .nvc stream"
EXAMPLE = "nvczoo encode -i clip.mp4 -o clip.nvc -m ev-nvc-s -q 32"
DEFAULT_MODEL = "ev-nvc-s"
DEFAULT_Q = 32.0
# As nvczoo.codec has them, whose import would bring torch.
EFFORTS = (0, 1, 2)
LOOKAHEAD = 32
TARGETS = ("bitrate", "bpp", "psnr")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("-i", "--input", required=True, help='video: mp4, mkv, webm, y4m, yuv ...; "-" is y4m on stdin')
    add("-o", "--output", required=True, metavar="OUT.nvc", help='stream; "-" is stdout')
    add(
        "-q",
        "--quality",
        type=quality,
        metavar="Q",
        help=f"0 to 63, fractions allowed: larger is better, and bigger (default: {DEFAULT_Q:g})",
    )
    add_model_arguments(
        parser,
        DEFAULT_MODEL,
        f"name, hf-hub:OWNER/NAME@REVISION or local-dir:FOLDER (default: {DEFAULT_MODEL})",
    )
    add_precision_argument(parser)
    add_arithmetic_argument(parser)
    add(
        "-g",
        "--intra-period",
        type=int,
        metavar="FRAMES",
        help="from one intra frame to the next; -1: only one",
    )
    add(
        "--gop",
        type=part_value,
        metavar="NAME|FRAMES",
        help="GOP structure: all-intra, low-delay, hierarchical ...; or the frames per group",
    )
    add(
        "--layers",
        choices=LAYERS,
        default="all",
        help="all (default), or base: of a codec with layers the smaller video alone, which is fast",
    )
    add(
        "--effort",
        type=int,
        choices=EFFORTS,
        default=EFFORTS[-1],
        help="what ev-nvc's encoder searches for: 0, little, the quickest; 1, motion that is worth its bits; "
        "2 (default), latents as well, by gradient, and the quality that each frame is worth, for which up "
        "to 32 of them wait: a smaller stream. Decoding takes as long",
    )
    add(
        "--lookahead",
        type=int,
        default=LOOKAHEAD,
        metavar="FRAMES",
        help="that may wait with effort 2, so that each gets the quality it is worth; 0: none waits, and all "
        f"have the same q but intra frames (default: {LOOKAHEAD}, at most 64)",
    )
    add("--frames", type=count, metavar="N", help="encode no more than this many")
    add("--picture-checksums", action="store_true", help="4 bytes a frame, to prove decoded pictures by")
    add("--convert", action="store_true", help="convert what is not 8-bit 4:2:0, instead of refusing it")
    add("--no-audio", action="store_true", help="leave audio and subtitles out")
    target = parser.add_argument_group("instead of -q: encode up to four times, to what is wanted within 3 %")
    target.add_argument("--bitrate", type=amount, metavar="RATE", help="of the frames, in bit/s: 800k, 1.5M")
    target.add_argument("--bpp", type=amount, metavar="BITS", help="of the frames, per luma sample: 0.05")
    target.add_argument("--psnr", type=amount, metavar="DB", help="6:1:1, the mean over frames: 38")
    raw = parser.add_argument_group("raw .yuv, or the size of the stream")
    raw.add_argument(
        "-s",
        "--size",
        type=size_or_bytes,
        metavar="WxH|BYTES",
        help="352x288: the pixels of raw video; 10M: the bytes wanted of the stream, sound included",
    )
    raw.add_argument("-r", "--rate", help="frames per second: 25, 29.97 or 30000/1001")
    raw.add_argument("-pix_fmt", "--pixel-format", help="as libav names it (default: yuv420p)")
    add("-y", "--overwrite", action="store_true", help="replace the output if it exists")
    add_engine_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Encode."""
    from nvczoo.cli.pipes import check_files
    from nvczoo.cli.progress import progress_line, summary, wanted
    from nvczoo.codec.files import EncodeOptions, encode_file

    check_files(arguments.input, arguments.output, arguments.overwrite)
    check_engine(arguments)
    options = EncodeOptions(
        arguments.intra_period,
        arguments.frames,
        arguments.picture_checksums,
        not arguments.no_audio,
        arguments.layers,
        arguments.effort,
        arguments.lookahead,
    )
    gop = gop_of(arguments)
    wanted_target = target_of(arguments)
    if wanted_target is not None:
        from nvczoo.cli.encode_target import encode_to

        return encode_to(wanted_target, arguments, gop, options)
    with opened(arguments) as reader:
        codec = load_model(arguments.model, arguments, gop)
        begin = time.monotonic()
        encoders = encoders_of(codec, arguments, gop)
        with progress_line("encode", arguments.quiet) as report:
            result = encode_file(
                encoders, reader, arguments.output, q_of(arguments), options, arguments.overwrite, report
            )
        if not arguments.quiet:
            tell_what_changed(reader, result)
        if wanted(arguments.quiet):
            tell(f"{arguments.output}: {summary(result, time.monotonic() - begin)}")
    return 0


def q_of(arguments: argparse.Namespace) -> float:
    """Return the q that was given, or the usual one."""
    return DEFAULT_Q if arguments.quality is None else arguments.quality


def gop_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the GOP structure that differs from the model's; a number is the frames per group."""
    if not isinstance(arguments.gop, int):
        return {} if arguments.gop is None else {"gop": arguments.gop}
    period = {} if arguments.intra_period is None else {"intra_period": arguments.intra_period}
    return {"gop": {"size": arguments.gop} | period}


def target_of(arguments: argparse.Namespace) -> tuple[str, float] | None:
    """Return what is wanted instead of a q, and how much; raises SettingError for two wishes at once."""
    wishes = {name: getattr(arguments, name) for name in TARGETS if getattr(arguments, name) is not None}
    if isinstance(arguments.size, float):
        wishes["size"] = arguments.size
    if not wishes:
        return None
    if len(wishes) > 1 or arguments.quality is not None:
        raise SettingError("-q, --bitrate, --bpp, --psnr and --size 10M are one wish: give one of them")
    if "psnr" in wishes and arguments.layers == "base":
        raise SettingError("--psnr compares pictures of one size; those of --layers base are smaller")
    if PIPE in (arguments.input, arguments.output):
        raise SettingError("Encoding to a target reads the video several times: name files, no pipes")
    return next(iter(wishes.items()))
