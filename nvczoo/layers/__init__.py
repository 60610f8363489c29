"""Building blocks shared by families."""

from nvczoo.layers.block_fetch import BlockFetch, denser
from nvczoo.layers.conv import ResidualBlock, conv3, double, join
from nvczoo.layers.layouts import LAYOUTS, FrameWarp, FullGrid, Packed420
from nvczoo.layers.on_grid import OnGrid
from nvczoo.layers.quality import QualityShare, RateFactors
from nvczoo.layers.resample import crop, pad_to_multiple, with_border
from nvczoo.layers.uncompiled import uncompiled
from nvczoo.layers.warp import Warp, double_flow, halve_flow, warp

__all__ = [
    "LAYOUTS",
    "BlockFetch",
    "FrameWarp",
    "FullGrid",
    "OnGrid",
    "Packed420",
    "QualityShare",
    "RateFactors",
    "ResidualBlock",
    "Warp",
    "conv3",
    "crop",
    "denser",
    "double",
    "double_flow",
    "halve_flow",
    "join",
    "pad_to_multiple",
    "uncompiled",
    "warp",
    "with_border",
]
