"""``nvczoo strip``: a stream loses the layers that can be dropped."""

from __future__ import annotations

import argparse

from nvczoo.cli.text import tell

SUMMARY = "take out of a .nvc stream the layers that can be dropped, without decoding it"
EXAMPLE = "nvczoo strip clip.nvc -o small.nvc --layers base"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("file", help='stream; "-" is stdin')
    add("-o", "--output", required=True, metavar="OUT.nvc", help='stream; "-" is stdout')
    add("--layers", choices=("base",), default="base", help="what is left: the base layer (default)")
    add("-y", "--overwrite", action="store_true", help="replace the output if it exists")
    add("--quiet", action="store_true", help="tell errors only")


def run(arguments: argparse.Namespace) -> int:
    """Strip."""
    from nvczoo.cli.pipes import check_files
    from nvczoo.cli.progress import wanted
    from nvczoo.codec.strip import strip_file

    check_files(arguments.file, arguments.output, arguments.overwrite)
    size = strip_file(arguments.file, arguments.output, arguments.overwrite)
    if wanted(arguments.quiet):
        tell(f"{arguments.output}: the base layer alone, {size} bytes")
    return 0
