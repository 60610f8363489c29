"""``nvczoo info``: what a stream holds."""

from __future__ import annotations

import argparse
import json

SUMMARY = "tell what a .nvc stream holds, without decoding it"
EXAMPLE = "nvczoo info clip.nvc --json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.add_argument("file", help='stream; "-" is stdin')
    parser.add_argument(
        "--frames", action="store_true", help="add a table: type, time, q and bytes per frame"
    )
    parser.add_argument("--json", action="store_true", help="for programs; seconds, bytes, bits per second")


def run(arguments: argparse.Namespace) -> int:
    """Read the stream, and print."""
    from nvczoo.cli.stream_report import as_text, as_values, frame_table
    from nvczoo.codec.info import stream_info

    found = stream_info(arguments.file)
    if arguments.json:
        print(json.dumps(as_values(found, arguments.frames), indent=2))
        return 0
    print(as_text(arguments.file, found))
    if arguments.frames:
        print(f"\n{frame_table(found)}")
    return 0
