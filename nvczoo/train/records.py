"""The folder of a run: what was trained, on what, by what, and how it went."""

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

import nvczoo
from nvczoo.train.sources import Data
from nvczoo.train.stages import Recipe

LOG, STAGES, EVENTS, ABOUT, RECIPE, MANIFEST = (
    "log.csv",
    "stages.csv",
    "events.log",
    "run.json",
    "recipe.json",
    "data.json",
)
BOARD = "tensorboard"
DIGITS = 6  # of what is logged
GIT_SECONDS = 30.0


@dataclass(frozen=True)
class Row:
    """One step, as the log has it. PSNR in dB, rates in bits per luma sample, endpoint in luma samples."""

    stage: str
    step: int
    loss: float
    bpp: float
    motion_bpp: float
    psnr: float
    endpoint: float  # NaN where the true flow is not known
    learning_rate: float
    gradient: float  # its norm, before clipping
    skipped: int  # steps of the run that were not finite
    returns: int  # to the last good checkpoint


class Log:
    """Rows of the run, in a CSV file and for TensorBoard where that is installed."""

    def __init__(self, folder: Path, step: int) -> None:
        """Open the log of a run that goes on after ``step``; rows of later steps are dropped."""
        self._path = folder / LOG
        keep_rows(self._path, [field.name for field in fields(Row)], step)
        self._file = self._path.open("a", newline="")
        self._writer = csv.writer(self._file)
        self._board = _board(folder / BOARD, step)

    def add(self, row: Row) -> None:
        """Append a row."""
        self._writer.writerow([_text(value) for value in astuple(row)])
        self._file.flush()
        if self._board is not None:
            for name, value in asdict(row).items():
                if isinstance(value, float) and value == value:
                    self._board.add_scalar(name, value, row.step)

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def keep_rows(path: Path, names: Sequence[str], step: int) -> None:
    """Leave of a CSV file what it said up to a step; begin it where it is not there."""
    kept = [row for row in read_rows(path) if int(row["step"]) <= step]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(kept)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the whole rows of a CSV file; a run that was killed may have left half of one."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if None not in row.values() and None not in row]


def note_event(folder: Path, text: str) -> None:
    """Append a line to what happened in the run."""
    with (folder / EVENTS).open("a") as file:
        file.write(f"{text}\n")


def write_about(folder: Path, recipe: Recipe, data: Data, budget: str, processes: int, device: str) -> None:
    """Write what the run is made of."""
    _write(folder / RECIPE, asdict(recipe))
    _write(folder / MANIFEST, {"sha256": data.digest, "files": dict(data.files), "held_out": _names(data)})
    about = {
        "model": recipe.model,
        "recipe_sha256": recipe.digest,
        "data_sha256": data.digest,
        "clips": len(data.train),
        "frames": sum(clip.frames for clip in data.train),
        "seed": recipe.seed,
        "budget": budget,
        "processes": processes,
        "device": device,
        "nvczoo": version("nvczoo"),
        "git": git_state(),
        "torch": torch.__version__,
        "python": sys.version.split()[0],
    }
    _write(folder / ABOUT, about)


def git_state() -> str:
    """Return the commit of the code that runs, with a hash of what was changed since; "" if not known."""
    place = Path(nvczoo.__file__).parent
    commit, changes = (_git(place, *arguments) for arguments in (("rev-parse", "HEAD"), ("diff", "HEAD")))
    changed = f"+{hashlib.sha256(changes.encode()).hexdigest()[:12]}" if changes.strip() else ""
    return f"{commit.strip()}{changed}" if commit else ""


def _git(place: Path, *arguments: str) -> str:
    try:
        found = subprocess.run(
            ["git", "-C", str(place), *arguments], capture_output=True, text=True, timeout=GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout if found.returncode == 0 else ""


def _names(data: Data) -> list[str]:
    return [clip.name for clip in data.held_out]


def _write(path: Path, table: dict[str, Any]) -> None:
    path.write_text(json.dumps(table, indent=1), encoding="utf-8")


def _text(value: object) -> str:
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


def _board(folder: Path, step: int) -> Any:
    if find_spec("tensorboard") is None:  # of the extra "train"
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step + 1)
