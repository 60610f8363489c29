"""Arithmetic whose results do not depend on the machine: docs/decisions/0007."""

from nvczoo.portable.activations import PortableLeakyReLU, PortableTable
from nvczoo.portable.calibration import watched
from nvczoo.portable.convolution import PortableConv2d
from nvczoo.portable.grid import Grid, half_up
from nvczoo.portable.steps import PortableFactors
from nvczoo.portable.sums import Shape
from nvczoo.portable.transform import portable
from nvczoo.portable.warping import PortableWarp

__all__ = [
    "Grid",
    "PortableConv2d",
    "PortableFactors",
    "PortableLeakyReLU",
    "PortableTable",
    "PortableWarp",
    "Shape",
    "half_up",
    "portable",
    "watched",
]
