"""``nvczoo ablate``: variants of a model against it, trained or loaded, in one report."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from nvczoo.cli.compare import FIT, METRIC, write_comparison
from nvczoo.cli.options import add_engine_arguments, count, engine_from
from nvczoo.cli.text import tell

SUMMARY = "measure variants of a model, and report their BD-rates against it"
EXAMPLE = "nvczoo ablate ablation.toml -o ablation/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("ablation", type=Path, help="a TOML file: see docs/evaluation.md")
    add("-o", "--output", type=Path, required=True, help="folder; goes on if one is there")
    add("--metric", default=METRIC, help="of the BD-rate (default: %(default)s)")
    add("--fit", default=FIT, help="cubic, pchip or akima (default: %(default)s)")
    add("--threads", type=count, metavar="N", help="of the CPU (default: as torch chooses)")
    add("--device", default="cpu", help="cpu or cuda (default: cpu)")
    add("--quiet", action="store_true", help="tell errors only")
    add_engine_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train what is to be trained, measure, compare."""
    import torch

    from nvczoo.evaluate.ablation import Ablation, contenders
    from nvczoo.evaluate.comparison import compare
    from nvczoo.evaluate.jobs import plan
    from nvczoo.evaluate.run import run_jobs
    from nvczoo.evaluate.series import load_series

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    engine = engine_from(arguments)
    ablation = Ablation.read(arguments.ablation)
    results = arguments.output / "results"
    results.mkdir(parents=True, exist_ok=True)
    models = contenders(ablation, arguments.output / "models", arguments.device)
    jobs = plan(ablation.sequences, models, replace(ablation.setting, threads=arguments.threads))
    run_jobs(jobs, results, (lambda _: None) if arguments.quiet else tell, engine)
    paths = [job.path(results) for job in jobs]
    found = compare(load_series(paths), ablation.base.label, arguments.metric, arguments.fit)
    title = f"Ablation of {ablation.base.model}"
    write_comparison(found, arguments.output / "comparison", title)
    return 0
