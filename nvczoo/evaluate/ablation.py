"""An ablation: a base and variants of it, trained or loaded, measured together, compared with the base."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nvczoo.cards import ModelCard
from nvczoo.components import suggest
from nvczoo.errors import SettingError
from nvczoo.evaluate import datasets
from nvczoo.evaluate.contenders import QS, CodingSetting, ModelContender, model_contender
from nvczoo.evaluate.jobs import RunSetting
from nvczoo.evaluate.sequences import Sequence, sequence_of
from nvczoo.overrides import PLACES, full_path
from nvczoo.sources import FOLDER, HUB_CARD, card_of
from nvczoo.train.run import train
from nvczoo.train.schedule import Budget
from nvczoo.train.stages import Recipe, recipe_path
from nvczoo.train.trainer import Options
from nvczoo.video.atomic import atomic_output

KEYS = {"base", "data", "folder", "qualities", "frames", "intra_period", "variant", "train"}
TRAIN_KEYS = {"recipe", "data"}
BUDGET_KEYS = {"hours", "steps"}
KEEP = "keep_stages"
MODEL = "model"  # in a variant: what is loaded instead of the base
SECONDS_PER_HOUR = 3600.0
BASE = "base"  # its label where it is trained anew, and so is not the model of that name
CARD_TEXTS = ("summary", "paper", "licence")


@dataclass(frozen=True)
class Training:
    """How each variant, and the base, is trained from the start."""

    recipe: Recipe
    folders: tuple[Path, ...]
    budget: Budget
    options: Options


@dataclass(frozen=True)
class Variant:
    """A difference from the base: parts by name or path, or a model that stands for itself."""

    label: str
    model: str
    swaps: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ablation:
    """What to measure; the first variant is the base."""

    variants: tuple[Variant, ...]
    sequences: tuple[Sequence, ...]
    setting: RunSetting
    qualities: tuple[float, ...] = QS
    training: Training | None = None

    @classmethod
    def read(cls, path: Path) -> Ablation:
        """Return the ablation in a TOML file; paths in it are relative to it. Raises SettingError."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SettingError(f"{path} cannot be read as an ablation: {error}") from error
        _known(table, KEYS, path)
        for key in ("base", "data", "variant"):
            if not table.get(key):
                raise SettingError(f"{path}: an ablation has 'base', 'data' and [variant.NAME] tables")
        training = _training(table["train"], path) if "train" in table else None
        base = str(table["base"])
        variants = [Variant(BASE if training else base, base)]
        variants += [_variant(name, one, base, path) for name, one in table["variant"].items()]
        period = int(table.get("intra_period", CodingSetting().intra_period))
        return cls(
            tuple(variants),
            _sequences(table, path),
            RunSetting(int(table.get("frames", 96)) or None, CodingSetting(period)),
            tuple(float(q) for q in table.get("qualities", QS)),
            training,
        )

    @property
    def base(self) -> Variant:
        """What the others are compared with."""
        return self.variants[0]


def contenders(ablation: Ablation, folder: Path, device: str = "cpu") -> list[ModelContender]:
    """Return what is to be measured; with a recipe all are trained first, into ``folder``."""
    found = []
    for variant in ablation.variants:
        model, swaps = variant.model, variant.swaps
        if ablation.training is not None and (swaps or variant is ablation.base):
            model, swaps = _trained(variant, ablation.training, folder / variant.label), {}
        found.append(model_contender(model, variant.label, ablation.qualities, swaps, device))
    return found


def write_card(variant: Variant, folder: Path) -> str:
    """Write the variant's card into a folder, and return the name by which that is loaded."""
    card = card_of(variant.model)
    known = card.parts
    names = {
        name: name if "." in name or name in PLACES else full_path(name, known) for name in variant.swaps
    }
    paths = {names[name]: value for name, value in variant.swaps.items()}
    card = card.with_overrides(paths)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_output(folder / HUB_CARD, overwrite=True) as temporary:
        temporary.write_text(json.dumps(_as_table(card), indent=1), encoding="utf-8")
    return f"{FOLDER}{folder}"


def _trained(variant: Variant, training: Training, folder: Path) -> str:
    """Train a variant to the end of the recipe, from where it stands, and return its name."""
    name = write_card(variant, folder)
    recipe = replace(training.recipe, model=name)
    clips = folder.parent / "clips"  # decoded once for all variants
    train(recipe, training.folders, folder, training.budget, clips, options=training.options)
    return name


def _as_table(card: ModelCard) -> dict[str, Any]:
    texts = {key: getattr(card, key) for key in CARD_TEXTS}
    return texts | json.loads(json.dumps(card.parts))


def _known(table: Mapping[str, Any], keys: set[str], path: Path) -> None:
    for key in table.keys() - keys:
        raise SettingError(f"{path}: unknown key {key!r}. {suggest(key, sorted(keys))}")


def _variant(name: str, table: Any, base: str, path: Path) -> Variant:
    if not isinstance(table, dict) or not table:
        raise SettingError(f"{path}: the variant {name!r} names no part to swap, and no model to load")
    swaps = {key: value for key, value in table.items() if key != MODEL}
    return Variant(name, str(table.get(MODEL, base)), swaps)


def _training(table: Mapping[str, Any], path: Path) -> Training:
    _known(table, TRAIN_KEYS | BUDGET_KEYS | {KEEP}, path)
    if not table.keys() >= TRAIN_KEYS or len(table.keys() & BUDGET_KEYS) != 1:
        raise SettingError(f"{path}: [train] has recipe, data, and hours or steps (of each variant)")
    recipe = str(table["recipe"])
    own = path.parent / recipe
    found = Recipe.read(own if own.is_file() else recipe_path(recipe))
    budget = Budget(
        steps=int(table["steps"]) if "steps" in table else None,
        seconds=SECONDS_PER_HOUR * float(table["hours"]) if "hours" in table else None,
    )
    options = Options(keep_stages=bool(table.get(KEEP, False)))
    return Training(found, tuple(path.parent / one for one in table["data"]), budget, options)


def _sequences(table: Mapping[str, Any], path: Path) -> tuple[Sequence, ...]:
    folder = path.parent / str(table["folder"]) if "folder" in table else None
    found: list[Sequence] = []
    for name in table["data"]:
        file = path.parent / str(name)
        if file.suffix == ".toml":
            found += datasets.find(str(file), folder).sequences
        elif file.is_file():
            found.append(sequence_of(file))
        else:
            found += datasets.find(str(name), folder).sequences
    return tuple(found)
