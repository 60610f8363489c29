"""Portable layers that gradients can follow, so that encoders may search for latents by them."""

from abc import abstractmethod

import torch
from torch import Tensor

from nvczoo.portable.module import PortableModule


class FollowedModule(PortableModule):
    """Returns what integers give; its gradient is that of the same layer without rounding.

    As in Bengio, Léonard and Courville, arXiv 1308.3432. Where gradients are asked for the result may be off
    the grid by what float32 rounds: it is for encoders to search by, not to code.
    """

    @abstractmethod
    def exact(self, x: Tensor) -> Tensor:
        """Return the result by integers."""

    @abstractmethod
    def smooth(self, x: Tensor) -> Tensor:
        """Return about the same by floats, differentiably."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, O, H', W'] for [B, C, H, W]."""
        if not (torch.is_grad_enabled() and x.requires_grad):
            return self.exact(x)
        with torch.no_grad():
            exact = self.exact(x)
        smooth = self.smooth(x.float())
        return smooth + (exact - smooth).detach()
