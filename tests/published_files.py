"""The authors' checkpoints, as files: published names and wrapping, but values of our own."""

from pathlib import Path
from typing import Any

import torch
from parity import goldens

import nvczoo
from nvczoo.loading import IMPORTED
from nvczoo.published import renamed

Files = dict[str, Path]


def wrapped(tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return tensors as training scripts save them."""
    return {"state_dict": {"net": {f"module.{key}": one for key, one in tensors.items()}}, "epoch": 7}


def published_entries(model: str, place: str) -> list[dict[str, Any]]:
    """Return name, shape and range of every tensor that the published checkpoint holds."""
    parts = goldens.recipe().manifest(model)["parts"]
    found = parts[place]
    if "same_as" in found:
        other, place = found["same_as"].split("/")
        return published_entries(other, place)
    return found["params"]


def narrow_files(model: str, parts: dict[str, Any], folder: Path, seed: int = 7) -> Files:
    """Write checkpoints of a narrow model under the published names; they hold what ``seed`` gives."""
    codec = nvczoo.create(model, parts=parts, seed=seed)
    files = {}
    for place in IMPORTED:
        module = getattr(codec, place)
        if module is None:
            continue
        state = module.state_dict()
        names = {
            entry["key"]: renamed(entry["key"], module.published) for entry in published_entries(model, place)
        }
        unused = torch.zeros(2)
        tensors = {key: state[name] if name else unused for key, name in names.items()}
        files[place] = folder / f"{model}_{place}.pth.tar"
        torch.save(wrapped(tensors), files[place])
    return files


def full_files(model: str, folder: Path) -> Files:
    """Write the fixtures' synthetic checkpoints, at full size."""
    files = {}
    for place in goldens.recipe().manifest(model)["parts"]:
        entries = published_entries(model, place)
        tensors = {entry["key"]: torch.zeros(entry["shape"]) for entry in entries if entry["low"] is None}
        files[place] = folder / f"{model}_{place}.pth.tar"
        torch.save(wrapped(tensors | goldens.weights(model, place)), files[place])
    return files
