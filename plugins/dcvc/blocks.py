"""What more than one model of the family is made of, and none outside it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nvczoo.interfaces import EntropyModel


def prior_context(
    model: EntropyModel, known: Tensor | None, previous: Tensor | None, shape: Sequence[int], like: Tensor
) -> Tensor | None:
    """Return what an entropy model is told: ``known``, and behind it the latent of the previous frame.

    A missing latent is left out if the model can do without, else it is zeros of ``shape``.
    """
    if previous is None and not model.partial_context:
        previous = torch.zeros(*shape, device=like.device)
    told = tuple(one for one in (known, previous) if one is not None)
    return torch.cat(told, dim=1) if told else None
