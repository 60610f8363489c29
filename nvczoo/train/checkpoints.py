"""A run on disk: all that the next step depends on, whole or not at all."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nvczoo.errors import TrainingError
from nvczoo.train.guard import UNTROUBLED, Guard
from nvczoo.train.schedule import BEGINNING, Pace

LATEST, GOOD = "checkpoint.pt", "good.pt"
FORMAT = 2


@dataclass(frozen=True)
class Place:
    """Where a run is. With the recipe's seed it decides all that is drawn at random: nothing else is kept."""

    stage: int = 0
    step: int = 0  # of the run
    pace: Pace = BEGINNING
    guard: Guard = UNTROUBLED
    spent: float = 0.0  # seconds of training in the stages before


@dataclass(frozen=True)
class Checkpoint:
    """Weights, their average, the optimizer, and where the run is."""

    place: Place
    weights: dict[str, Tensor]
    average: dict[str, Tensor]
    averaged: int  # steps in the average
    optimizer: dict[str, Any]
    recipe: str  # its digest
    data: str  # the digest of its clips

    def save(self, path: Path) -> None:
        """Write the file; a run that is killed meanwhile keeps the one before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        table = {name: getattr(self, name) for name in self.__dataclass_fields__}
        partial = path.with_name(f"{path.name}.part")
        with partial.open("wb") as file:
            torch.save(table | {"place": asdict(self.place), "format": FORMAT}, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    @classmethod
    def read(cls, path: Path, device: torch.device | str = "cpu") -> "Checkpoint":
        """Return the checkpoint in a file; raises TrainingError."""
        try:
            table = torch.load(path, map_location=device, weights_only=True)
            if table.pop("format") != FORMAT:
                raise ValueError("another version of nvczoo wrote it")
            place = table.pop("place")
            pace, guard = Pace(**place.pop("pace")), Guard(**place.pop("guard"))
            return cls(place=Place(pace=pace, guard=guard, **place), **table)
        except Exception as error:  # torch.load has no exceptions of its own
            raise TrainingError(
                f"{path} is no checkpoint to go on from: {error}. Remove it, or choose another folder"
            ) from error
