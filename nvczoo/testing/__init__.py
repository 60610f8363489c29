"""What those who make parts can test them with: see ``nvczoo.testing.contracts``."""

from nvczoo.testing.contracts import (
    check_context_fuser,
    check_entropy_coder,
    check_entropy_model,
    check_frame_codec,
    check_gop_structure,
    check_motion_estimator,
    check_rate_sampler,
)

__all__ = [
    "check_context_fuser",
    "check_entropy_coder",
    "check_entropy_model",
    "check_frame_codec",
    "check_gop_structure",
    "check_motion_estimator",
    "check_rate_sampler",
]
