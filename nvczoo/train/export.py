"""From a training run's checkpoint to weights that can ship."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch

from nvczoo.errors import WeightsError
from nvczoo.loading import create
from nvczoo.weights import save_weights


def export_weights(model: str, checkpoints: Mapping[str, Path], target: Path) -> str:
    """Write the float16 weights of ``model``; return their SHA-256.

    ``checkpoints`` names a checkpoint for each codec: ``{"intra": ..., "inter": ...}``.
    """
    codec = create(model)
    modules = {name: getattr(codec, name) for name in ("intra", "inter") if getattr(codec, name) is not None}
    if set(modules) != set(checkpoints):
        raise WeightsError(f"{model} consists of {', '.join(modules)}; name a checkpoint for each")
    for name, path in checkpoints.items():
        state = torch.load(path, weights_only=True)["weights"]
        prefix = f"{name}."
        modules[name].load_state_dict(
            {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        )
    save_weights(modules, target)
    return hashlib.sha256(target.read_bytes()).hexdigest()
