"""``nvczoo parts``: what models are made of, and who offers it."""

from __future__ import annotations

import argparse
import dataclasses
import json

from nvczoo.cli.text import columns
from nvczoo.components import KINDS, describe

SUMMARY = "list the parts that models are made of, by kind"
EXAMPLE = "nvczoo parts motion_estimator"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.add_argument("kind", nargs="?", help=f"one of {', '.join(KINDS)} (default: all)")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """List them, without importing any."""
    kinds = KINDS if arguments.kind is None else (arguments.kind,)
    offers = [offer for kind in kinds for offer in describe(kind)]
    if arguments.json:
        print(json.dumps([dataclasses.asdict(offer) for offer in offers], indent=2))
    else:
        rows = [(one.kind, one.name, one.distribution, one.version) for one in offers]
        print(columns([("kind", "name", "distribution", "version"), *rows]))
    return 0
