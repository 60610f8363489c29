"""Building blocks shared by families."""

from nvczoo.layers.conv import ResidualBlock, conv3, double, join
from nvczoo.layers.layouts import LAYOUTS, FullGrid, Packed420
from nvczoo.layers.resample import crop, pad_to_multiple
from nvczoo.layers.warp import double_flow, halve_flow, warp

__all__ = [
    "LAYOUTS",
    "FullGrid",
    "Packed420",
    "ResidualBlock",
    "conv3",
    "crop",
    "double",
    "double_flow",
    "halve_flow",
    "join",
    "pad_to_multiple",
    "warp",
]
