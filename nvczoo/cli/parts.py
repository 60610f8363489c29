"""``nvczoo parts``: what models are made of, who offers it, and whether it can be used."""

from __future__ import annotations

import argparse
import dataclasses
import json

from nvczoo.columns import columns
from nvczoo.components import KINDS, Offer, describe, find
from nvczoo.errors import NvczooError
from nvczoo.offer_check import fault

SUMMARY = "list the parts that models are made of, by kind"
EXAMPLE = "nvczoo parts motion_estimator"
SOUND = "ok"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.add_argument("kind", nargs="?", help=f"one of {', '.join(KINDS)} (default: all)")
    parser.add_argument("--load", action="store_true", help="import each, and tell what goes wrong then")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """List them; without ``--load`` none is imported."""
    kinds = KINDS if arguments.kind is None else (arguments.kind,)
    offers = [offer for kind in kinds for offer in describe(kind)]
    faults = [fault(one, offers) or (_load_fault(one) if arguments.load else "") for one in offers]
    if arguments.json:
        found = zip(offers, faults, strict=True)
        print(
            json.dumps([dataclasses.asdict(one) | {"error": text or None} for one, text in found], indent=2)
        )
    else:
        rows = [
            (one.kind, one.name, one.distribution, one.version, text or SOUND)
            for one, text in zip(offers, faults, strict=True)
        ]
        print(columns([("kind", "name", "distribution", "version", "state"), *rows]))
    return 0


def _load_fault(offer: Offer) -> str:
    try:
        find(offer.kind, offer.name)
    except NvczooError as error:
        return str(error)
    return ""
