"""``nvczoo import``: the authors' checkpoints become a model of ours."""

from __future__ import annotations

import argparse
from pathlib import Path

from nvczoo.cli.options import part

SUMMARY = "turn the authors' checkpoints of a published codec into a model that loads"
EXAMPLE = (
    "nvczoo import dcvc-dc --inter cvpr2023_video_psnr.pth.tar --intra cvpr2023_image_psnr.pth.tar -o DIR"
)
MILLION = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("model", help="name of the codec, such as dcvc-dc: see nvczoo models")
    add("--intra", metavar="FILE", help="checkpoint of the network for intra frames, or for images")
    add("--inter", metavar="FILE", help="checkpoint of the network for all other frames")
    add("-o", "--output", required=True, metavar="FOLDER", help="appears when the import is complete")
    add(
        "--part",
        type=part,
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="what differs from the model's card: inter.layout=yuv444 (may be repeated)",
    )
    add("-y", "--overwrite", action="store_true", help="replace what an earlier import made")
    add("--quiet", action="store_true", help="tell errors only")


def run(arguments: argparse.Namespace) -> int:
    """Import, and say what was read."""
    from nvczoo.importing import import_published

    folder = import_published(
        arguments.model,
        arguments.output,
        arguments.intra,
        arguments.inter,
        dict(arguments.part),
        arguments.overwrite,
    )
    if not arguments.quiet:
        print(_told(folder))
    return 0


def _told(folder: Path) -> str:
    from nvczoo.cards import ModelCard
    from nvczoo.loading import IMPORTED
    from nvczoo.sources import HUB_CARD, WEIGHTS_FILE

    card = ModelCard.read(folder / HUB_CARD)
    read = ", ".join(
        f"{card.training[place]['tensors']} tensors from {card.training[place]['file']}"
        for place in IMPORTED
        if place in card.training
    )
    megabytes = (folder / WEIGHTS_FILE).stat().st_size / MILLION
    return f"{read}: {megabytes:.0f} MB in {folder}. Use it as -m {folder}, or nvczoo.load({str(folder)!r})"
