"""``nvczoo plugin``: begin a package of one's own."""

from __future__ import annotations

import argparse

from nvczoo.components import KINDS

SUMMARY = "begin a package of your own, with a part that works and its tests"
EXAMPLE = "nvczoo plugin new my-flow --kind motion_estimator"
CODEC = "codec"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    verbs = parser.add_subparsers(dest="plugin_verb", metavar="new", required=True)
    new = verbs.add_parser("new", help="write the package")
    new.add_argument("name", metavar="NAME", help="of the part, such as my-flow")
    kinds = (*KINDS, CODEC)
    new.add_argument(
        "--kind", required=True, choices=kinds, metavar="KIND", help=f"one of {', '.join(kinds)}"
    )
    new.add_argument("-o", "--output", default=".", metavar="FOLDER", help="where to (default: here)")


def run(arguments: argparse.Namespace) -> int:
    """Write it, and say what comes next."""
    from nvczoo.plugin_kit.scaffold import new_plugin

    folder = new_plugin(arguments.name, arguments.kind, arguments.output)
    print(f"{folder} is written. Next:\n  pip install -e {folder}\n  pytest {folder}\n  nvczoo parts")
    return 0
