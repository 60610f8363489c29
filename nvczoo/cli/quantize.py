"""``nvczoo quantize``: a model whose streams are decoded alike on every machine."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nvczoo.cli.options import add_computing_arguments, count, load_model
from nvczoo.columns import columns

if TYPE_CHECKING:
    from nvczoo.portable.losses import LayerLoss

SUMMARY = "turn a model to integers, so that its streams decode alike on every machine"
EXAMPLE = "nvczoo quantize ev-nvc-s -d clips/ -o portable/"
DESCRIPTION = """\
A stream decodes only where the very numbers of the encoder come out again. Floating point does not promise
that: other processors, threads or versions of PyTorch round otherwise. This turns all that the decoder
computes to integers, whose sums are the same in every order, proves it layer by layer, and writes the model
to a folder. Streams of it decode anywhere; encoding stays as fast as it was, or nearly.

The clips show how far numbers go. What goes further later on is clipped, on every machine alike, so give
clips that hold what is hard: fast motion, texture, noise, dark and bright. Some frames of each will do.

The report has a line for each layer: the bits of its weights; the bits that no sum of it exceeds, whatever
the video; the parts in which float32 sums it up exactly (1 is the fastest; none: float64); how far its signal
stands above its error (6 dB are a bit); and the numbers in the clips that went beyond its range.
"""
HEADINGS = ("layer", "kind", "weights", "bound", "parts", "dB", "clipped")
NUMBERS = range(2, len(HEADINGS))  # columns set to the right
VIDEOS = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".y4m", ".m4v")
FAST = "fast"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.description = DESCRIPTION
    add = parser.add_argument
    add("model", help="name, hf-hub:OWNER/NAME@REVISION or local-dir:FOLDER")
    add("-d", "--data", nargs="+", type=Path, required=True, metavar="CLIPS", help="videos, or their folders")
    add("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write: -m local-dir:DIR")
    add(
        "--weight-bits",
        type=_bits,
        default=None,
        metavar="BITS",
        help="2 to 16 for every layer: 16 loses next to nothing, and is slow; "
        f"{FAST} (default): for each layer as many as leave it a fast path",
    )
    add(
        "--decibels",
        type=float,
        metavar="DB",
        help="what each layer's signal shall stand above its error, if its fast path allows: more is slower, "
        "and loses less (default: 30; with 48 the loss is hard to measure)",
    )
    add("--frames", type=count, default=8, metavar="N", help="of each clip, from its first (default: 8)")
    add("-y", "--overwrite", action="store_true", help="replace the model in that folder")
    add_computing_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Turn the model to integers, report, and say how it is loaded."""
    from nvczoo.quantizing import QuantizeOptions, quantized
    from nvczoo.sources import FOLDER

    clips = videos_in(arguments.data)
    codec = load_model(arguments.model, arguments)
    options = QuantizeOptions(arguments.weight_bits, arguments.frames)
    if arguments.decibels is not None:
        options = replace(options, wanted_decibels=arguments.decibels)
    found = quantized(codec, clips, options)
    folder = found.codec.save_pretrained(arguments.output, overwrite=arguments.overwrite)
    if not arguments.quiet:
        print(report(found.losses))
    print(f"{FOLDER}{folder}")
    return 0


def videos_in(paths: list[Path]) -> list[Path]:
    """Return the files among the paths, and the videos in those that are folders; raises SettingError."""
    from nvczoo.errors import SettingError

    found: list[Path] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.suffix.lower() in VIDEOS)
        if not inside:
            raise SettingError(f"There is no video in {path}: of these it may hold {', '.join(VIDEOS)}")
        found += inside
    return found


def report(losses: tuple[LayerLoss, ...]) -> str:
    """Return a line for each layer, and one for all."""
    worst = min(losses, key=lambda one: one.decibels)
    total = (
        f"{len(losses)} layers; {worst.name} loses most ({worst.decibels:.1f} dB); "
        f"{sum(one.clipped for one in losses)} of {sum(one.numbers for one in losses)} numbers were clipped"
    )
    return f"{columns([HEADINGS, *map(_row, losses)], NUMBERS)}\n{total}"


def _row(one: LayerLoss) -> tuple[object, ...]:
    bits = ("" if value is None else value for value in (one.weight_bits, one.bound_bits))
    parts = "" if one.weight_bits is None else one.parts or "none"
    return (one.name, one.kind, *bits, parts, f"{one.decibels:.1f}", one.clipped or "")


def _bits(text: str) -> int | None:
    if text == FAST:
        return None
    if not text.isdecimal() or not 2 <= int(text) <= 16:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bits; 2 to 16, or {FAST}")
    return int(text)
