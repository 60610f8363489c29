"""``nvczoo download``: fetch models now, to use them later without a network."""

from __future__ import annotations

import argparse

SUMMARY = "fetch models and check their weights, for later use without a network"
EXAMPLE = "nvczoo download ev-nvc-s hf-hub:owner/name@revision"
MEGABYTE = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.add_argument("models", nargs="+", metavar="MODEL", help="a name, or hf-hub:OWNER/NAME@REVISION")
    parser.add_argument("--cache-dir", metavar="FOLDER", help="instead of the cache of HF_HOME")
    parser.add_argument("--quiet", action="store_true", help="tell errors only")


def run(arguments: argparse.Namespace) -> int:
    """Fetch them one by one; what is there already is checked only."""
    from nvczoo.errors import WeightsError
    from nvczoo.hub import HubAccess, fetch_all
    from nvczoo.sources import card_of

    access = HubAccess(arguments.cache_dir)
    for name in arguments.models:
        card = card_of(name, access)
        if card.weights is None:
            raise WeightsError(f"The model {name!r} has no weights to fetch: see `nvczoo models`")
        files = fetch_all(card.weights, access)
        size = sum(path.stat().st_size for path in files) / MEGABYTE
        if not arguments.quiet:
            print(f"{card.name}: {size:.1f} MB, as its card says, in {files[0].parent}")
    return 0
