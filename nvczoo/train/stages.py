"""A recipe: the stages of a training run, as data."""

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from nvczoo.errors import SettingError

Goal = Literal["intra", "motion", "inter"]


@dataclass(frozen=True)
class Stage:
    """One stretch of training: what is trained, on what, how fast, for how long."""

    name: str
    goal: Goal  # intra: the image codec; motion: warp error; inter: rate and distortion over P frames
    share: float  # of the run's budget
    frames: int = 1  # per sample
    side: int = 128  # of the crop, luma samples
    batch: int = 8
    learning_rate: float = 4e-4  # at the start
    final_rate: float = 0.25  # the learning rate at the end, as a part of the start's
    precision: Literal["bfloat16", "float32"] = "bfloat16"


@dataclass(frozen=True)
class Recipe:
    """The model to train and its stages."""

    model: str
    stages: tuple[Stage, ...]
    seed: int = 0
    exclude: tuple[str, ...] = ()  # words in the names of files that must not be trained on

    @classmethod
    def read(cls, path: Path) -> "Recipe":
        """Return the recipe in a TOML file."""
        table = tomllib.loads(Path(path).read_text())
        stages = tuple(_stage(path, entry) for entry in table.pop("stage", []))
        unknown = set(table) - {"model", "seed", "exclude"}
        if unknown or not stages or "model" not in table:
            raise SettingError(
                f"{path}: a recipe has 'model', [[stage]] tables and perhaps 'seed' and 'exclude'"
                + (f"; unknown: {', '.join(sorted(unknown))}" if unknown else "")
            )
        return cls(table["model"], stages, table.get("seed", 0), tuple(table.get("exclude", ())))


def _stage(path: Path, entry: dict[str, Any]) -> Stage:
    known = {field.name for field in fields(Stage)}
    if not {"name", "goal", "share"} <= entry.keys() <= known:
        raise SettingError(f"{path}: a stage has name, goal, share, and may have {', '.join(sorted(known))}")
    return Stage(**entry)


def recipe_path(name: str) -> Path:
    """Return the file of a recipe: ``name`` itself, or one that ships with nvczoo; raises SettingError."""
    shipped = Path(str(files("nvczoo.registry") / "recipes"))
    for path in (Path(name), shipped / f"{name}.toml"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in shipped.glob("*.toml")))
    raise SettingError(f"There is no recipe {name!r}: give a TOML file, or one of {known}")
