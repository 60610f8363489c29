"""Mixed precision: transforms in bfloat16, entropy models, rates and distortions in float32."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nvczoo.interfaces import EntropyModel
from nvczoo.train.stages import Precision


def computing_in(precision: Precision, device: torch.device) -> torch.autocast:
    """Return a context for one step; weights are cast once in it, so that it must not outlast an update."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


@contextmanager
def exact_entropy(modules: nn.Module, device: torch.device) -> Iterator[None]:
    """Let every entropy model in ``modules`` compute in float32, whatever the precision around it.

    Probabilities that ship are computed in float32, and scales in eight bits of mantissa would cost rate.
    """
    models = [one for one in modules.modules() if isinstance(one, EntropyModel)]
    for model in models:
        vars(model)["code"] = partial(_in_float32, model.code, device.type)
    try:
        yield
    finally:
        for model in models:
            del vars(model)["code"]


def _in_float32(code: Callable[..., Tensor], device: str, *arguments: Any, **named: Any) -> Tensor:
    with torch.autocast(device, enabled=False):
        return code(*map(_float32, arguments), **{name: _float32(one) for name, one in named.items()})


def _float32(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
