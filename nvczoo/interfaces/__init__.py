"""What a plugin may implement."""

from nvczoo.interfaces.codec import (
    QUICK,
    THOROUGH,
    USUAL,
    FrameCodec,
    InterCodec,
    IntraCodec,
    Layout,
    Reference,
    Rules,
    Setting,
)
from nvczoo.interfaces.coder import EntropyCoder, SymbolDecoder, SymbolEncoder, TableSet
from nvczoo.interfaces.context import ContextFuser, Pyramid
from nvczoo.interfaces.entropy import Distribution, EntropyModel, SymbolStream
from nvczoo.interfaces.gop import CodingStep, GopStructure
from nvczoo.interfaces.motion import MotionEstimator
from nvczoo.interfaces.planner import Plan, Planner
from nvczoo.interfaces.rate import Q_MAX, Q_MIN, RateSampler

__all__ = [
    "QUICK",
    "Q_MAX",
    "Q_MIN",
    "THOROUGH",
    "USUAL",
    "CodingStep",
    "ContextFuser",
    "Distribution",
    "EntropyCoder",
    "EntropyModel",
    "FrameCodec",
    "GopStructure",
    "InterCodec",
    "IntraCodec",
    "Layout",
    "MotionEstimator",
    "Plan",
    "Planner",
    "Pyramid",
    "RateSampler",
    "Reference",
    "Rules",
    "Setting",
    "SymbolDecoder",
    "SymbolEncoder",
    "SymbolStream",
    "TableSet",
]
