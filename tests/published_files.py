"""The authors' checkpoints, as files: published names and wrapping, but values of our own."""

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from parity import goldens

import nvczoo
from nvczoo import cards
from nvczoo.loading import IMPORTED
from nvczoo.published import renamed

Files = dict[str, Path]
BY_OTHERS = {"dcvc": ("intra",)}  # networks that a model takes from CompressAI
OF_COMPRESSAI = "compressai-"


def wrapped(tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return tensors as training scripts save them."""
    return {"state_dict": {"net": {f"module.{key}": one for key, one in tensors.items()}}, "epoch": 7}


def fixture_of(model: str, place: str) -> tuple[str, str]:
    """Return under which names the fixtures have one network of a model."""
    if model.startswith("evc-"):
        return "evc", model.replace("evc", place)
    same = goldens.recipe().manifest(model)["parts"][place].get("same_as")
    return tuple(same.split("/")) if same else (model, place)


def published_entries(model: str, place: str) -> list[dict[str, Any]]:
    """Return name, shape and range of every tensor that the published checkpoint holds."""
    if by_others(model, place):
        state = pretrained_by_others(model).items()
        return [{"key": key, "shape": list(one.shape), "low": 0.0} for key, one in state]
    fixture, part = fixture_of(model, place)
    return goldens.recipe().manifest(fixture)["parts"][part]["params"]


@cache
def pretrained_by_others(model: str) -> dict[str, torch.Tensor]:
    """Return the checkpoint of a network that a model takes from CompressAI, with random values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        models = pytest.importorskip("compressai.models")
        if model.startswith(OF_COMPRESSAI):
            return compressai_model(model.removeprefix(OF_COMPRESSAI)).state_dict()
        return models.Cheng2020Anchor(N=192).state_dict()


def compressai_model(architecture: str) -> torch.nn.Module:
    """Return a model of CompressAI's."""
    from nvczoo.plugins.compressai import library

    if architecture == "ssf2020":
        return library.ScaleSpaceFlow()
    variable = architecture.endswith("-vbr")  # one network for all rates
    return library.variable_model(architecture) if variable else library.image_model(architecture, 1)


def by_others(model: str, place: str) -> bool:
    """Return whether a network's checkpoint is CompressAI's."""
    return model.startswith(OF_COMPRESSAI) or place in BY_OTHERS.get(model, ())


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
    for place in (one for one in IMPORTED if one in cards.find(model).parts):
        entries = published_entries(model, place)
        computed = {one["key"]: torch.zeros(one["shape"]) for one in entries if one["low"] is None}
        others = by_others(model, place)
        values = pretrained_by_others(model) if others else goldens.weights(*fixture_of(model, place))
        files[place] = folder / f"{model}_{place}.pth.tar"
        torch.save(wrapped(computed | values), files[place])
    return files
