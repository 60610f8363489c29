"""What all portable modules have: the grids they go from and to, kept with the weights."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nvczoo.errors import SettingError
from nvczoo.portable.grid import Grid
from nvczoo.portable.held import Held

GRIDS = "grids"  # the name of the tensor by which portable modules are known in a file of weights


@dataclass(frozen=True)
class Grids:
    """Of what comes in, and of what leaves."""

    source: Grid
    target: Grid

    def as_tensor(self) -> Tensor:
        """Return [[fraction, bits] of the source, the same of the target], as weights hold them."""
        return torch.tensor(
            [[one.fraction, one.bits] for one in (self.source, self.target)], dtype=torch.int32
        )

    @classmethod
    def from_tensor(cls, tensor: Tensor) -> "Grids":
        """Return what ``as_tensor`` made; raises SettingError for anything else."""
        if tensor.dtype != torch.int32 or tuple(tensor.shape) != (2, 2):
            raise SettingError(f"Grids are int32 [2, 2], not {tensor.dtype} {list(tensor.shape)}")
        source, target = (Grid(*row) for row in tensor.tolist())
        return cls(source, target)


class PortableModule(nn.Module):
    """Goes from one grid to another; the result does not depend on the machine."""

    grids: Tensor

    def __init__(self, source: Grid, target: Grid) -> None:
        super().__init__()
        self.source, self.target = source, target
        self.register_buffer(GRIDS, Grids(source, target).as_tensor())
        self.quick = False  # whether it may take kernels of our own where they apply

    @property
    def held(self) -> Held:
        """What its results hold."""
        return self.target.held

    def check(self) -> None:
        """Raise SettingError if the numbers as loaded have no proof."""

    def hurry(self) -> None:
        """Take what is quick and returns the same."""
        self.quick = True

    def keep_to_the_reference(self) -> None:
        """Take operations of torch alone, and sums of float64."""
        self.quick = False
