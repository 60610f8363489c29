"""CompressAI itself, which need not be installed, and its architectures by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

from torch import Tensor, nn

from nvczoo.errors import ComponentError, SettingError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what it imports, about functions that it does not need
    try:
        import compressai.zoo.image as zoo
        import compressai.zoo.image_vbr as variable_zoo
        from compressai.models.video import ScaleSpaceFlow
    except ImportError as error:
        raise ComponentError(
            f"CompressAI is needed and cannot be imported ({error}): pip install 'nvczoo[compressai]'"
        ) from error

__all__ = ["Plain", "ScaleSpaceFlow", "image_model", "plain", "variable_model"]


class Plain(nn.Module):
    """Keeps its weights as CompressAI has them, channels first in memory: results round as its own do."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        for parameter in self.parameters():
            parameter.data = _contiguous(parameter.data)
        return self


def plain(tensor: Tensor) -> Tensor:
    """Return a tensor with its channels first in memory, and so its gradient."""
    if tensor.requires_grad:
        tensor = tensor.view_as(tensor)  # one more in the graph, for the hook to be its own
        tensor.register_hook(_contiguous)
    return _contiguous(tensor)


def _contiguous(tensor: Tensor) -> Tensor:
    # Not ``contiguous``: it leaves 1x1 kernels the strides of channels last, by which the gradient of a
    # convolution is written to memory that is not its own (PyTorch 2.15).
    return tensor.reshape(-1).view(tensor.shape)


def image_model(architecture: str, quality: int, widths: tuple[int, ...] = ()) -> Any:
    """Return one of its image models, untrained; ``widths`` are in the stead of those of the quality."""
    known = zoo.cfgs[architecture]
    if quality not in known:
        raise SettingError(f"quality={quality}: {architecture} has {min(known)} to {max(known)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: nn.Module = zoo.model_architectures[architecture](*(widths or known[quality]))
    return model


def variable_model(architecture: str, widths: tuple[int, ...] = ()) -> Any:
    """Return one of its image models with rates of its own, untrained."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: nn.Module = variable_zoo.model_architectures[architecture](
            *(widths or variable_zoo.cfgs[architecture])
        )
    return model
