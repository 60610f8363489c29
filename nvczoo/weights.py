"""Tensors of a codec by name, from and to safetensors files.

A tensor that two codecs share, such as one of a rate sampler, is stored once, under the first of its
names; when reading, each of its names will do.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from nvczoo.errors import WeightsError

MAX_LISTED = 8  # names in a message


def weights_of(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return each tensor of the modules once, under the first of its names."""
    seen: set[int] = set()
    found = {}
    for name, tensor in _all_names(modules).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            found[name] = tensor.detach()
    return found


def stored(modules: Mapping[str, nn.Module], dtype: torch.dtype | None = None) -> dict[str, Tensor]:
    """Return the modules' tensors as a file holds them: real numbers in ``dtype``, or all as they are."""
    return {
        name: tensor.to(dtype if tensor.is_floating_point() else None).contiguous().cpu()
        for name, tensor in weights_of(modules).items()
    }


def save_weights(modules: Mapping[str, nn.Module], path: Path, dtype: torch.dtype = torch.float16) -> None:
    """Write the modules' tensors, real numbers in ``dtype``; integers stay as they are."""
    save_file(stored(modules, dtype), path)


def put_weights(
    modules: Mapping[str, nn.Module],
    tensors: Mapping[str, Tensor],
    swapped: Iterable[object] = (),
    source: str = "the weights",
) -> list[str]:
    """Copy tensors into the modules, in the precision these have; raises WeightsError.

    What lies under a swapped part is left as it is. All else must match in name and shape; only where
    a part is swapped, others may have another shape because of it: they too are left as they are, and
    their names are returned.
    """
    parts = [part for part in swapped if isinstance(part, nn.Module)]
    prefixes = _prefixes(modules, parts)
    own = {name: one for name, one in _all_names(modules).items() if not name.startswith(prefixes)}
    given = {name: one for name, one in tensors.items() if not name.startswith(prefixes)}
    there = {id(own[name]) for name in given if name in own}
    misfits = [name for name, one in given.items() if name in own and one.shape != own[name].shape]
    _refuse(source, "has none for", [name for name, one in own.items() if id(one) not in there])
    _refuse(source, "has some unknown here:", [name for name in given if name not in own])
    if not parts:
        shapes = [f"{name} {list(given[name].shape)}, not {list(own[name].shape)}" for name in misfits]
        _refuse(source, "has another shape for", shapes)
    with torch.no_grad():
        for name in given.keys() - set(misfits):
            own[name].copy_(given[name])
    return misfits


def listed(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more


def _refuse(source: str, what: str, names: list[str]) -> None:
    if names:
        raise WeightsError(
            f"{source} {what} {listed(names)}. Weights fit the parts and options of their card alone; "
            "nvczoo.create() builds a model without them"
        )


def _all_names(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return every name of every tensor, also of those that are shared."""
    return {
        f"{top}.{name}": tensor
        for top, module in modules.items()
        for name, tensor in module.state_dict(keep_vars=True).items()
        if isinstance(tensor, Tensor)
    }


def _prefixes(modules: Mapping[str, nn.Module], parts: list[nn.Module]) -> tuple[str, ...]:
    """Return what the names of the parts' tensors begin with; a part may stand in several places."""
    return tuple(
        f"{top}.{name}." if name else f"{top}."
        for top, module in modules.items()
        for name, one in module.named_modules(remove_duplicate=False)
        if any(one is part for part in parts)
    )
