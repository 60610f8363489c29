"""``nvczoo view``: a page that shows one stream."""

from __future__ import annotations

import argparse
from pathlib import Path

from nvczoo.cli.options import add_model_arguments, count, load_decoder
from nvczoo.cli.text import tell

SUMMARY = "write an HTML page about a .nvc stream: frames, rate over time, what the bits were spent on"
EXAMPLE = "nvczoo view clip.nvc -o page.html"
FRAMES = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("file", help='stream; "-" is stdin')
    add("-o", "--output", required=True, metavar="PAGE.html", help="the page, in one file")
    add("--frames", type=count, default=FRAMES, metavar="N", help="pictures to show (default: %(default)s)")
    add_model_arguments(parser, None, "model that made the stream (default: the one the stream names)")
    add("-y", "--overwrite", action="store_true", help="replace the output if it exists")


def run(arguments: argparse.Namespace) -> int:
    """Decode, watch, and write the page."""
    from nvczoo.cli.stream_report import as_text
    from nvczoo.codec.files import opened
    from nvczoo.codec.info import read_header
    from nvczoo.evaluate.stream_page import stream_page
    from nvczoo.evaluate.stream_view import view_stream
    from nvczoo.video.atomic import atomic_output, check_output

    check_output(arguments.output, arguments.overwrite)
    with opened(arguments.file) as file:
        data = file.read()
    codec = load_decoder(read_header(data).model, arguments)
    view = view_stream(codec, data, arguments.frames)
    name = Path(arguments.file).name
    page = stream_page(view, name, as_text(name, view.info))
    with atomic_output(arguments.output, arguments.overwrite) as path:
        Path(path).write_text(page, encoding="utf-8")
    if not arguments.quiet:
        tell(f"{arguments.output}: {name}, {view.info.frame_count} frames")
    return 0
