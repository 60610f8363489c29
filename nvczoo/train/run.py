"""Train a model by a recipe, from its card to weights that can be loaded."""

from collections.abc import Sequence
from pathlib import Path

import torch

from nvczoo.errors import SettingError
from nvczoo.loading import create
from nvczoo.train.clips import ClipSampler
from nvczoo.train.export import export_weights
from nvczoo.train.loop import Networks, Run
from nvczoo.train.stages import Recipe

WEIGHTS = "model.safetensors"


def train(
    recipe: Recipe, folders: Sequence[Path], out: Path, seconds: float, cache: Path | None = None
) -> Path:
    """Train for so many seconds, or go on where ``out`` has a checkpoint; return the weights' path.

    ``folders`` hold videos and photographs; they are decoded once, into ``cache``.
    """
    torch.manual_seed(recipe.seed)
    sampler = ClipSampler.from_folders(folders, cache or out / "clips", recipe.exclude, recipe.seed)
    codec = create(recipe.model, seed=recipe.seed)
    if codec.rate_sampler is None:
        raise SettingError(f"{recipe.model} has no rate sampler, so nothing says which rates to train for")
    Run(Networks(codec.intra, codec.inter, codec.rate_sampler), sampler, out).train(recipe.stages, seconds)
    checkpoint = out / "checkpoint.pt"
    names = ("intra",) if codec.inter is None else ("intra", "inter")
    export_weights(recipe.model, dict.fromkeys(names, checkpoint), out / WEIGHTS)
    return out / WEIGHTS
