"""``nvczoo train``: a model by a recipe."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "train a model by a recipe"
EXAMPLE = "nvczoo train ev-nvc-s-first --data clips/ photos/ --hours 2 -o runs/mine"
SECONDS_PER_HOUR = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.add_argument("recipe", help="a TOML file, or the name of one that ships with nvczoo")
    parser.add_argument(
        "--data", nargs="+", required=True, type=Path, help="folders of videos and photographs"
    )
    parser.add_argument(
        "--hours", type=float, default=2.0, help="what the stages share (default: %(default)g)"
    )
    parser.add_argument(
        "-o", "--out", required=True, type=Path, help="folder of the run; goes on if one is there"
    )
    parser.add_argument(
        "--cache", type=Path, help="where decoded clips are kept (default: in the run's folder)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, and say where the weights are."""
    from nvczoo.train.run import train
    from nvczoo.train.stages import Recipe, recipe_path

    recipe = Recipe.read(recipe_path(arguments.recipe))
    seconds = arguments.hours * SECONDS_PER_HOUR
    print(train(recipe, arguments.data, arguments.out, seconds, arguments.cache))
    return 0
