"""Make the table of models in ``docs/models.md``: size, multiplications, speed and memory of each.

    python benchmarks/model_table.py                        # all models at 416x240
    python benchmarks/model_table.py dcvc-dc -s 1920x1080   # one, at another size; the others' rows stay

``model_speed.py`` measures, each job in a process of its own. What was measured is kept in
``docs/models.json``; a dash tells what was not.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

import nvczoo
from nvczoo import cards
from nvczoo.codec.arithmetic import PRECISIONS
from nvczoo.evaluate.complexity import complexity

DOCS = Path(__file__).parents[1] / "docs"
SPEED = Path(__file__).with_name("model_speed.py")
KEPT, PAGE = DOCS / "models.json", DOCS / "models.md"
BEGIN, END = "<!-- made by benchmarks/model_table.py -->\n", "<!-- end -->\n"
FRAMES = 2  # of which the last is timed
SIZES = ("416x240", "1920x1080")
DOING = ("encode", "decode")
JOBS = (*DOING, "ratio")
PLACES = ("intra", "inter")
COUNTS = tuple((place, what) for place in PLACES for what in DOING)
SPEED_HEADS = (
    "encode, fps",
    "decode, fps",
    "encode, s",
    "decode, s",
    "encode, GB",
    "decode, GB",
    "encode, ratio",
    "decode, ratio",
    "encode, bfloat16",
    "decode, bfloat16",
)
MILLION, GIGA = 1e6, 1e9
TIMEOUT = 1800  # seconds for a job


def measured(model: str, size: str, frames: int, jobs: list[str]) -> dict[str, Any]:
    """Return what the jobs of a model at a size found, each in a process of its own."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in jobs:
            command = [sys.executable, str(SPEED), name, model, size, folder, "--frames", str(frames)]
            run = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=TIMEOUT)
            found[name] = json.loads(run.stdout.splitlines()[-1])
    return found


def counted(model: str) -> dict[str, Any]:
    found = complexity(nvczoo.create(model))
    return {place: [one.parameters, one.encode, one.decode] for place, one in found.items()}


def speed_cells(found: dict[str, Any]) -> list[str]:
    """Return what ``SPEED_HEADS`` tells."""
    coded = [found.get(what) for what in DOING]
    speeds = ("-" if one is None else f"{1 / one['seconds']:.2g}" for one in coded)
    seconds = ("-" if one is None else f"{one['processor']:.2f}" for one in coded)
    peaks = ("-" if one is None else f"{one['peak'] / GIGA:.1f}" for one in coded)
    ratio = found.get("ratio")
    times = ("-" if ratio is None else f"{ratio[way][what]:.2f}" for way in PRECISIONS for what in DOING)
    return [*speeds, *seconds, *peaks, *times]


def kmac_cells(model: str, numbers: dict[str, Any]) -> list[str]:
    """Return thousand multiplications per pixel, in brackets those of the published code."""
    known = cards.find(model).published.get("kmac", {})
    cells = []
    for place, what in COUNTS:
        ours = f"{numbers[place][1 + DOING.index(what)]:.0f}" if place in numbers else ""
        theirs = f" ({known[f'{place}_{what}']:.0f})" if f"{place}_{what}" in known else ""
        cells.append(ours + theirs)
    return cells


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def page(kept: dict[str, Any]) -> str:
    """Return the tables, as the page has them between its marks."""
    models = sorted(kept["counts"])
    counts = []
    for model in models:
        numbers = kept["counts"][model]
        sizes = (f"{numbers[place][0] / MILLION:.2f}" if place in numbers else "" for place in PLACES)
        counts.append([f"`{model}`", *sizes, *kmac_cells(model, numbers)])
    heads = ["model", "intra, M", "inter, M", *(f"{place}, {what}" for place, what in COUNTS)]
    text = [table(heads, counts)]
    for size in SIZES:
        found = kept["speeds"].get(size, {})
        rows = [[f"`{model}`", *speed_cells(found[model])] for model in models if model in found]
        text.append(f"At {size}:\n\n{table(['model', *SPEED_HEADS], rows)}")
    return "\n".join([*text, f"Measured on: {kept['machine']}\n"])


def machine() -> str:
    return (
        f"{platform.machine()}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}, "
        f"load average {os.getloadavg()[0]:.1f} at the end (a shared machine)"
    )


def main() -> None:
    """Measure, keep, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*")
    parser.add_argument(
        "-s", "--size", default=SIZES[0], help="WIDTHxHEIGHT; none: count, but measure nothing"
    )
    parser.add_argument("--frames", type=int, default=FRAMES, help="the last is timed (default: %(default)s)")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS, help="the others' figures stay")
    chosen = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {"counts": {}, "speeds": {}}
    for model in chosen.models or nvczoo.models():
        kept["counts"][model] = counted(model)
        if chosen.size != "none":
            found = measured(model, chosen.size, chosen.frames, chosen.jobs)
            kept["speeds"].setdefault(chosen.size, {}).setdefault(model, {}).update(found)
            kept["machine"] = machine()
        KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(before + BEGIN + "\n" + page(kept) + "\n" + END + rest.split(END)[1])
        print(f"{model} {chosen.size}: done", file=sys.stderr)


if __name__ == "__main__":
    main()
