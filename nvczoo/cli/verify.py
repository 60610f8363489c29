"""``nvczoo verify``: whether a stream is sound, to the last picture."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nvczoo.cli.options import add_model_arguments, load_decoder
from nvczoo.columns import columns
from nvczoo.errors import NvczooError

if TYPE_CHECKING:
    from nvczoo.cli.verification import Checked

SUMMARY = "decode all of a .nvc stream and check every checksum in it"
EXAMPLE = "nvczoo verify clip.nvc"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.add_argument("file", help='stream; "-" is stdin')
    add_model_arguments(parser, None, "model that made the stream (default: the one the stream names)")


def run(arguments: argparse.Namespace) -> int:
    """Check; what was sound before the first damage is told, then the damage is an error."""
    from nvczoo.cli.pipes import opened_stream
    from nvczoo.cli.progress import progress_line
    from nvczoo.cli.verification import Checked, verify

    checked = Checked()
    try:
        with opened_stream(arguments.file) as (header, stream):
            codec = load_decoder(header.model, arguments)
            with progress_line("verify", arguments.quiet) as report:
                verify(codec, stream, checked, report)
    except NvczooError:
        if checked.packets and not arguments.quiet:
            print(f"{arguments.file}: not sound; before the error were\n{_table(checked)}", flush=True)
        raise
    if not arguments.quiet:
        print(f"{arguments.file}: sound\n{_table(checked)}")
    return 0


def _table(checked: Checked) -> str:
    pictures = checked.pictures or "none in the stream (encode --picture-checksums puts them in)"
    rows = (
        ("packets with the right checksum", checked.packets),
        ("frames decoded", checked.frames),
        ("symbol checksums right", checked.symbols or "none in the stream"),
        ("picture checksums right", pictures),
        ("track packets", checked.track_packets),
    )
    return columns([("", *row) for row in rows])
