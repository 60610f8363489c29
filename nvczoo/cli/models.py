"""``nvczoo models``: what can be loaded by name."""

from __future__ import annotations

import argparse
import json
from typing import Any

from nvczoo import cards
from nvczoo.columns import columns
from nvczoo.components import suggest
from nvczoo.errors import ComponentError, UnknownComponent

SUMMARY = "list the models"
EXAMPLE = "nvczoo models 'ev-*'"
MEGABYTE = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.add_argument("pattern", nargs="?", default="*", help="such as 'ev-*' (default: all)")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """List them; a card that cannot be read is listed with what is wrong, and harms no other."""
    names = cards.models(arguments.pattern)
    if not names:
        known = suggest(arguments.pattern, cards.names())
        raise UnknownComponent(f"There is no model {arguments.pattern!r}. {known}")
    found = [_described(name) for name in names]
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        rows = [
            (one["name"], _weights(one), _licence(one), one.get("summary", one.get("error"))) for one in found
        ]
        print(columns([("model", "weights", "licence", "what it is"), *rows]))
    return 0


def _described(name: str) -> dict[str, Any]:
    try:
        card = cards.find(name)
    except ComponentError as error:
        return {"name": name, "error": str(error)}
    weights = None
    if card.weights is not None:
        place = "packaged" if card.weights.file else card.weights.place
        weights = {"place": place, "bytes": card.weights.size, "sha256": card.weights.sha256}
    return {
        "name": name,
        "summary": card.summary,
        "paper": card.paper,
        "licence": card.licence,
        "weights": weights,
        "published": dict(card.published),
        "parts": json.loads(card.canonical),
    }


def _weights(model: dict[str, Any]) -> str:
    if "error" in model:
        return "unknown"
    weights = model["weights"]
    if weights is None:
        return "to import" if model["published"] else "none"
    size = "" if weights["bytes"] is None else f"{weights['bytes'] / MEGABYTE:.1f} MB"
    return size if weights["place"] == "packaged" else f"{size} on the Hub".strip()


def _licence(model: dict[str, Any]) -> str:
    """Return the licence of the weights: the authors', where they are to be imported."""
    if "error" in model:
        return "unknown"
    return model["published"].get("licence", model["licence"])
