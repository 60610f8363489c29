"""The two references of a B frame, earlier and later, and what is chosen by which of them has what."""

import math

import torch
from torch import Tensor, nn

from nvczoo.interfaces import Reference, Setting
from nvczoo.layers.depthwise import depthwise_block

LAYERS = 5  # spans of 2, 4, 8, 16 and 32 frames
Sides = tuple[Tensor | None, Tensor | None]  # of the earlier and of the later reference


def ordered(references: tuple[Reference, ...], setting: Setting) -> tuple[Reference, Reference]:
    """Return the earlier and the later reference; with nothing known of time they come in this order."""
    first, second = references[:2]
    distances = setting.distances[:2]
    return (second, first) if distances and distances[0] > distances[-1] else (first, second)


def layer_of(setting: Setting) -> int:
    """Return the number of the span's layer: log2 of the mean distance to the references.

    Spans of 2, 4, 8, 16 and 32 frames have the layers 0 to 4, as published; others the nearest.
    """
    distances = [abs(distance) for distance in setting.distances[:2]]
    if not distances:
        return 0
    return min(max(round(math.log2(sum(distances) / len(distances))), 0), LAYERS - 1)


class BySide(nn.Module):
    """One block for each case: neither, either or both of the references have a tensor to tell."""

    def __init__(self, channels: int, side_channels: int, channels_out: int) -> None:
        super().__init__()
        cases = {"neither": 0, "later": 1, "earlier": 1, "both": 2}
        self.blocks = nn.ModuleDict(
            {
                case: depthwise_block(channels + count * side_channels, channels_out)
                for case, count in cases.items()
                if side_channels or not count
            }
        )

    def forward(self, x: Tensor, sides: Sides) -> Tensor:
        """Return [B, channels_out, h, w] for x [B, channels, h, w] and what the sides have."""
        earlier, later = sides
        if earlier is None:
            case = "neither" if later is None else "later"
        else:
            case = "earlier" if later is None else "both"
        told = (x, *(side for side in sides if side is not None))
        return self.blocks[case](torch.cat(told, dim=1))
