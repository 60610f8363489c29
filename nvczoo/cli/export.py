"""``nvczoo export``: a training run becomes a model to share."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "make of a training run a model that can be loaded and shared"
EXAMPLE = "nvczoo export runs/mine -o my-model/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("run", type=Path, help="folder of the run, as given to `nvczoo train --out`")
    add("-o", "--output", type=Path, required=True, help="folder to write, as the Hugging Face Hub has it")
    add("-y", "--overwrite", action="store_true", help="replace the model in that folder")


def run(arguments: argparse.Namespace) -> int:
    """Write the model, and say how it is loaded."""
    from nvczoo.sources import FOLDER
    from nvczoo.train.export import export_run

    print(f"{FOLDER}{export_run(arguments.run, arguments.output, arguments.overwrite)}")
    return 0
