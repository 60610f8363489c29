"""``nvczoo doctor``: what is installed, and whether it works."""

from __future__ import annotations

import argparse
import dataclasses
import json

from nvczoo.columns import columns
from nvczoo.errors import NvczooError

SUMMARY = "tell versions, processor, threads, coder, GPU and plugins, and whether they work"
EXAMPLE = "nvczoo doctor --load"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.add_argument(
        "--load", action="store_true", help="import every part, to see whether it can be used"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Examine, and fail if something that should work does not."""
    from nvczoo.cli.examination import examine

    findings = examine(arguments.load)
    if arguments.json:
        print(json.dumps([dataclasses.asdict(one) for one in findings], indent=2))
    else:
        marks = {True: "", False: "<- broken"}
        print(columns([(one.name, f"{one.value}  {marks[one.works]}") for one in findings]))
    broken = [one.name for one in findings if not one.works]
    if broken:
        raise NvczooError(f"Something does not work: {', '.join(broken)}")
    return 0
