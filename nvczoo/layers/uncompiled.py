"""Functions that ``torch.compile`` leaves as they are."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch

F = TypeVar("F", bound=Callable[..., Any])


def uncompiled(function: F) -> F:
    """Keep a compiler out of ``function``: for many small steps of many sizes, which take minutes to compile.

    ``torch.compiler.disable`` with the function's own type.
    """
    kept: Any = torch.compiler.disable(function)
    return kept
