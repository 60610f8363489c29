"""What every part must do, whoever makes it: one check per kind, to be called from a test.

A check raises AssertionError and says what is wrong::

    def test_my_flow_keeps_the_contract():
        check_motion_estimator(MyFlow())

Parts are checked in ``eval`` mode and on the device they are on.
"""

from nvczoo.testing.codecs import check_entropy_model, check_frame_codec
from nvczoo.testing.orders import check_entropy_coder, check_gop_structure
from nvczoo.testing.parts import check_context_fuser, check_motion_estimator, check_rate_sampler

__all__ = [
    "check_context_fuser",
    "check_entropy_coder",
    "check_entropy_model",
    "check_frame_codec",
    "check_gop_structure",
    "check_motion_estimator",
    "check_rate_sampler",
]
