"""``nvczoo eval``: models and anchors on sequences, one JSON file per job."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from nvczoo.cli.options import (
    add_engine_arguments,
    add_precision_argument,
    count,
    engine_from,
    part,
    quality,
)
from nvczoo.cli.text import tell
from nvczoo.errors import SettingError

if TYPE_CHECKING:
    from nvczoo.evaluate.contenders import Contender
    from nvczoo.evaluate.jobs import RunSetting
    from nvczoo.evaluate.sequences import Sequence

SUMMARY = "measure models and anchors on sequences, restartable, one JSON file per job"
EXAMPLE = "nvczoo eval -m ev-nvc-s -d clips.toml --anchor x264 --anchor x265-medium -o results/"
FRAMES, INTRA_PERIOD = 96, 32  # the usual test conditions of the field


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add("-m", "--models", nargs="+", default=[], metavar="MODEL", help="names, as nvczoo encode takes them")
    add(
        "-d",
        "--data",
        nargs="+",
        required=True,
        metavar="DATASET|FILE",
        help="a dataset's TOML or name (nvczoo datasets), or video files",
    )
    add("--folder", type=Path, help="where a dataset's files are (default: as its TOML says)")
    add("-q", "--qualities", type=quality, nargs="+", metavar="Q", help="0 to 63 (default: 4 16 28 40 52 63)")
    add(
        "--anchor",
        action="append",
        default=[],
        metavar="NAME[-PRESET][@RATES]",
        help="x264, x265-slow, svtav1-8@24,36,48,60, vvenc-fast, vtm=PROGRAM,CFG ... (may be repeated)",
    )
    add("--frames", type=int, default=FRAMES, help="of each sequence; 0: all (default: %(default)s)")
    add("-g", "--intra-period", type=int, default=INTRA_PERIOD, help="frames, or -1 (default: %(default)s)")
    add(
        "--part",
        type=part,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="swap a part of the models",
    )
    add("--real-bitstream", action="store_true", help="decode each stream in a process of its own as well")
    add(
        "--rgb",
        metavar="MATRIX",
        help="how codecs of RGB see the pictures, and PSNR of RGB: bt709-full, bt709-limited, bt601-full ... "
        "(default: as the models' papers have it)",
    )
    add_precision_argument(parser)
    add("--vmaf", action="store_true", help="also VMAF, by an ffmpeg that has libvmaf")
    add("--ffmpeg", help="the program for --vmaf and vvenc (default: ffmpeg, or that of nvczoo[ffmpeg])")
    add("--no-stills", action="store_true", help="keep no pictures for the report")
    add("--shard", metavar="I/N", help="run only this part of the jobs: 1/4, 2/4 ...")
    add(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="RESULTS",
        help="folder; finished jobs are skipped",
    )
    add("--threads", type=count, metavar="N", help="of the CPU (default: as torch chooses)")
    add("--device", default="cpu", help="cpu or cuda (default: cpu)")
    add("--quiet", action="store_true", help="tell errors only")
    add_engine_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the jobs, and say where the answers are."""
    from nvczoo.evaluate.compressai_json import export
    from nvczoo.evaluate.jobs import plan
    from nvczoo.evaluate.run import run_jobs

    engine = engine_from(arguments)
    whole = _sequences(arguments), _contenders(arguments), _setting(arguments)
    jobs = plan(*whole, arguments.shard)
    arguments.output.mkdir(parents=True, exist_ok=True)
    say = (lambda _: None) if arguments.quiet else tell
    records = run_jobs(jobs, arguments.output, say, engine)
    everything = [job.done(arguments.output) for job in plan(*whole)]
    if None not in everything:  # the last shard does it for all
        export([record for record in everything if record is not None], arguments.output)
    say(f"{len(records)} results in {arguments.output}; nvczoo compare {arguments.output} makes tables")
    return 0


def _sequences(arguments: argparse.Namespace) -> list[Sequence]:
    from nvczoo.evaluate import datasets
    from nvczoo.evaluate.sequences import sequence_of

    found: list[Sequence] = []
    for name in arguments.data:
        path = Path(name)
        if path.suffix != ".toml" and path.is_file():
            found.append(sequence_of(path))
        elif path.suffix not in ("", ".toml"):
            raise SettingError(f"There is no file {name!r}")
        else:
            found += datasets.find(name, arguments.folder).sequences
    if len({one.name for one in found}) < len(found):
        raise SettingError("Two of the sequences have one name, and could not be told apart")
    return found


def _contenders(arguments: argparse.Namespace) -> list[Contender]:
    from nvczoo.evaluate.contenders import QS, anchor_contender, model_contender

    qualities = tuple(arguments.qualities or QS)
    swaps = dict(arguments.part)
    models = [
        model_contender(name, None, qualities, swaps, arguments.device, arguments.precision)
        for name in arguments.models
    ]
    anchors = [anchor_contender(text, arguments.threads or 1, arguments.ffmpeg) for text in arguments.anchor]
    if not models and not anchors:
        raise SettingError("There is nothing to measure: name models by -m, or anchors by --anchor")
    return [*models, *anchors]


def _setting(arguments: argparse.Namespace) -> RunSetting:
    from nvczoo.evaluate import vmaf
    from nvczoo.evaluate.contenders import CodingSetting
    from nvczoo.evaluate.ffmpeg import find_ffmpeg
    from nvczoo.evaluate.jobs import RunSetting

    if arguments.frames < 0 or (arguments.intra_period < 1 and arguments.intra_period != -1):
        raise SettingError("--frames is at least 1, or 0 for all; --intra-period at least 1, or -1")
    return RunSetting(
        arguments.frames or None,
        CodingSetting(arguments.intra_period, arguments.real_bitstream),
        matrix_of(arguments),
        find_ffmpeg(vmaf.FILTER, arguments.ffmpeg) if arguments.vmaf else None,
        not arguments.no_stills,
        arguments.threads,
    )


def matrix_of(arguments: argparse.Namespace) -> str | None:
    """Return the matrix of RGB: as asked for, or as the papers of the models have it."""
    from nvczoo.evaluate.rgb import named_matrix
    from nvczoo.loading import card_of

    wanted = {arguments.rgb or card_of(name).colour for name in arguments.models} - {""}
    if len(wanted) > 1:
        names = " and ".join(sorted(wanted))
        raise SettingError(f"The models' papers make RGB by {names}: say which by --rgb")
    matrix = arguments.rgb or next(iter(wanted), None)
    if matrix is not None:
        named_matrix(matrix)
    return matrix
