"""The checkerboard prior: half the elements first, the other half from their neighbours.

He et al., "Checkerboard context model for efficient learned image compression", CVPR 2021. The
second half of the channels starts on the other colour, so that both passes see every place.
"""

from nvczoo.entropy.lattice import CHECKERBOARD

from .hyperprior import Hyperprior


class CheckerboardHyperprior(Hyperprior):
    """A hyperprior followed by two passes."""

    lattice = CHECKERBOARD
