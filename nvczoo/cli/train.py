"""``nvczoo train``: a model by a recipe."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nvczoo.cli.options import count
from nvczoo.columns import columns

if TYPE_CHECKING:
    from nvczoo.train.forecast import Forecast
    from nvczoo.train.schedule import Budget
    from nvczoo.train.stages import Recipe

SUMMARY = "train a model by a recipe"
EXAMPLE = "nvczoo train ev-nvc-18 --data clips/ photos/ --budget 3h --out runs/mine"
HEADINGS = ("stage", "trains", "frames", "side", "batch", "rate", "steps", "time")
NUMBERS = range(2, len(HEADINGS))  # columns set to the right


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("recipe", help="a TOML file, or the name of one that ships with nvczoo")
    add(
        "--data",
        nargs="+",
        type=Path,
        default=[],
        help="folders of videos, photographs, sequences of pictures",
    )
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--budget", metavar="TIME", help="what the stages share: 90m, 3h or 1.5d of training")
    budget.add_argument("--steps", type=count, metavar="N", help="what the stages share, in optimizer steps")
    add("-o", "--out", type=Path, help="folder of the run; goes on if one is there")
    add("-m", "--model", help="train this one by the recipe, rather than the one it names")
    add("--init", default="", metavar="MODEL", help="weights to begin with: a .safetensors file, or a model")
    add("--cache", type=Path, help="where decoded clips are kept (default: in the run's folder)")
    add("--device", default="cpu", help="cpu or cuda; under torchrun, one for each process (default: cpu)")
    add("--workers", type=int, default=0, metavar="N", help="processes that prepare clips (default: none)")
    add("--threads", type=count, metavar="N", help="of the CPU (default: as torch chooses)")
    add(
        "--log-every",
        type=count,
        default=10,
        metavar="N",
        help="steps between two rows (default: %(default)s)",
    )
    add("--keep-stages", action="store_true", help="leave the model after each stage in RUN/stages/, too")
    add("--compile", action="store_true", help="let torch.compile make kernels of the model first")
    add("--dry-run", action="store_true", help="print the schedule with estimated times, and train nothing")


def run(arguments: argparse.Namespace) -> int:
    """Train, and say where the weights are; or say what training would take."""
    import torch

    from nvczoo.errors import SettingError
    from nvczoo.train.run import train
    from nvczoo.train.schedule import Budget
    from nvczoo.train.stages import Recipe, recipe_path
    from nvczoo.train.trainer import Options

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    recipe = Recipe.read(recipe_path(arguments.recipe))
    if arguments.model is not None:
        recipe = replace(recipe, model=arguments.model)
    timed = arguments.budget is not None
    budget = Budget.of_time(arguments.budget) if timed else Budget(steps=arguments.steps)
    if arguments.dry_run:
        print(schedule(recipe, budget, arguments.device))
        return 0
    if not arguments.data or arguments.out is None:
        raise SettingError("Training needs --data DIR... and --out RUN; --dry-run does without")
    options = Options(
        workers=arguments.workers,
        compile=arguments.compile,
        log_every=arguments.log_every,
        keep_stages=arguments.keep_stages,
    )
    place = (recipe, arguments.data, arguments.out, budget, arguments.cache)
    print(train(*place, arguments.init, arguments.device, options))
    return 0


def schedule(recipe: Recipe, budget: Budget, device: str) -> str:
    """Return the stages as a table; their times are measured here, without data."""
    from nvczoo.train.forecast import forecast, step_timer
    from nvczoo.train.networks import Networks
    from nvczoo.train.processes import joined
    from nvczoo.train.run import starting_codec

    with joined(device) as processes:
        networks = Networks.of(starting_codec(recipe))
        networks.to(processes.device)
        stages = forecast(recipe, budget, step_timer(networks, processes))
    total = (
        "together",
        *[""] * 5,
        sum(one.steps for one in stages),
        duration(sum(one.seconds for one in stages)),
    )
    return columns([HEADINGS, *map(_row, stages), total], NUMBERS)


def duration(seconds: float) -> str:
    """Return a time in words: 45 s, 12 min, 3.5 h."""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def _row(one: Forecast) -> tuple[object, ...]:
    stage = one.stage
    trains = " ".join((*stage.trains, *(f"-{path}" for path in stage.freezes)))
    shape = (stage.frames, stage.side, stage.batch, f"{stage.learning_rate:g}")
    return (stage.name, trains, *shape, one.steps, duration(one.seconds))
