"""The four-part prior: a quarter of the elements at a time, each from all before it.

Li, Li and Lu, "Neural video compression with diverse contexts" (DCVC-DC), CVPR 2023, section 3.3:
channels in four parts, and in each pass every part codes another cell of the 2 x 2 lattice.
"""

from nvczoo.entropy.lattice import FOUR_PART

from .hyperprior import Hyperprior


class FourPartHyperprior(Hyperprior):
    """A hyperprior followed by four passes."""

    lattice = FOUR_PART
