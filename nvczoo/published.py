"""From an author's checkpoint to our names: each tensor goes to one place, and nothing is left over."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from nvczoo.errors import WeightsError
from nvczoo.interfaces import Rules
from nvczoo.weights import listed

WRAPPERS = ("state_dict", "net", "model", "model_state_dict")
PARALLEL_PREFIX = "module."
MOST_WRAPPINGS = 4
# What torch says of a pickle that wants more than tensors, and what to tell of it: the rest of its message
# advises to run the code.
WANTED_BY_PICKLE = re.compile(r"WeightsUnpickler error: (?:Unsupported global: GLOBAL (\S+)|(.*))")


def read_published(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by their published names, unwrapped; raises WeightsError.

    Tensors are all that is unpickled: a file that wants more is refused.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about what such files may hold: it is checked below
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file may fail in any way
        raise WeightsError(
            f"{path} cannot be read as a PyTorch checkpoint of tensors alone: {_reason(error)}. Only such "
            "files are taken, because any other may run code"
        ) from error
    return unwrapped(found, str(path))


def unwrapped(checkpoint: object, source: str = "the checkpoint") -> dict[str, Tensor]:
    """Return the tensors inside the wrappers that training scripts put around them."""
    for _ in range(MOST_WRAPPINGS):
        inner = [key for key in WRAPPERS if isinstance(checkpoint, Mapping) and key in checkpoint]
        if not inner or not isinstance(checkpoint, Mapping):
            break
        checkpoint = checkpoint[inner[0]]
    if not isinstance(checkpoint, Mapping) or not checkpoint:
        raise WeightsError(f"{source} holds no tensors by name")
    others = [str(key) for key, value in checkpoint.items() if not isinstance(value, Tensor)]
    if others:
        raise WeightsError(f"{source} holds what is no tensor: {listed(others)}")
    found: dict[str, Tensor] = {}
    for key, value in checkpoint.items():
        name = str(key).removeprefix(PARALLEL_PREFIX)
        if name in found:
            raise WeightsError(f"{source} has {name!r} twice, with and without {PARALLEL_PREFIX!r}")
        found[name] = value
    return found


def translated(
    published: Mapping[str, Tensor], rules: Rules, module: nn.Module, source: str = "the checkpoint"
) -> dict[str, Tensor]:
    """Return the tensors under the module's names; raises WeightsError unless both sets match exactly."""
    wanted = module.state_dict()
    found: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    for key, value in published.items():
        name = renamed(key, rules)
        if not name:
            continue
        if name in origin:
            raise WeightsError(f"{source}: {origin[name]!r} and {key!r} both go to {name!r}")
        found[name], origin[name] = value, key
    _refuse(source, "has unknown keys", [key for name, key in origin.items() if name not in wanted])
    _refuse(source, "has none for", [name for name in wanted if name not in found])
    shapes = [
        f"{origin[name]} {list(value.shape)}, not {list(wanted[name].shape)}"
        for name, value in found.items()
        if value.shape != wanted[name].shape
    ]
    _refuse(source, "has other shapes:", shapes)
    unfit = [origin[name] for name, value in found.items() if not _usable(value, wanted[name])]
    _refuse(source, "has values that are no finite numbers of the kind wanted:", unfit)
    return found


def renamed(key: str, rules: Rules) -> str:
    """Return our name of a published key, "" for one that is not needed."""
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def _reason(error: Exception) -> str:
    found = WANTED_BY_PICKLE.search(str(error))
    if found is None:
        return f"{error}".rstrip(".") or type(error).__name__
    return f"it wants {found[1]}" if found[1] else found[2].rstrip(". ")


def _usable(value: Tensor, wanted: Tensor) -> bool:
    """Return whether values can be copied as they are: dense, real or integer as wanted, finite."""
    if value.layout != torch.strided or value.is_quantized or value.is_complex() or value.is_meta:
        return False
    if value.is_floating_point() != wanted.is_floating_point():
        return False
    return bool(torch.isfinite(value).all())


def _refuse(source: str, what: str, names: list[str]) -> None:
    if names:
        raise WeightsError(
            f"{source} {what} {listed(names)}. Check that the file belongs to this model, and that it is "
            "the intra or inter network as asked for"
        )
