"""Arithmetic whose results do not depend on the machine: docs/decisions/0007."""

from nvczoo.portable.activations import PortableLeakyReLU, PortableTable
from nvczoo.portable.calibration import watched
from nvczoo.portable.convolution import PortableConv2d
from nvczoo.portable.grid import Grid, nearest
from nvczoo.portable.readiness import make_ready
from nvczoo.portable.rules import WeightBits
from nvczoo.portable.settling import PortableOnGrid
from nvczoo.portable.steps import PortableFactors
from nvczoo.portable.sums import Shape
from nvczoo.portable.transform import Reached, grids_of, portable, portable_modules, restored
from nvczoo.portable.warping import PortableWarp

__all__ = [
    "Grid",
    "PortableConv2d",
    "PortableFactors",
    "PortableLeakyReLU",
    "PortableOnGrid",
    "PortableTable",
    "PortableWarp",
    "Reached",
    "Shape",
    "WeightBits",
    "grids_of",
    "make_ready",
    "nearest",
    "portable",
    "portable_modules",
    "restored",
    "watched",
]
