"""The entropy model of EVC: depth-wise blocks around two passes over a checkerboard."""

from functools import partial

from torch import Tensor, nn

from nvczoo.entropy.capped import CappedGaussian
from nvczoo.entropy.density import Density
from nvczoo.entropy.dual import GAUSSIAN_FLOOR, DualPrior
from nvczoo.entropy.hyper import HyperCodec
from nvczoo.layers import conv3
from nvczoo.layers.depthwise import depthwise_block
from nvczoo.layers.residual import pointwise_double


class EvcPrior(DualPrior):
    """Gaussian, with a hyper latent and no context; the same for all sizes of EVC."""

    distribution = staticmethod(partial(CappedGaussian, floor=GAUSSIAN_FLOOR))

    def __init__(self, channels: int = 192, context_channels: int = 0) -> None:
        super().__init__()
        del context_channels  # taken, so that it can stand in for a prior that uses the context
        double, triple = 2 * channels, 3 * channels
        self.hyper = HyperCodec(
            nn.Sequential(
                depthwise_block(channels, channels),
                conv3(channels, channels, stride=2),
                nn.LeakyReLU(),
                conv3(channels, channels, stride=2),
            ),
            nn.Sequential(_grown(channels), _grown(channels), depthwise_block(channels, channels)),
            Density(channels),
        )
        self.fusion = nn.Sequential(depthwise_block(channels, double), depthwise_block(double, triple))
        self.spatial = nn.Sequential(
            depthwise_block(4 * channels, triple),
            depthwise_block(triple, double),
            depthwise_block(double, double),
        )
        self._start(self.fusion)

    def fuse(self, features: Tensor, context: Tensor | None) -> Tensor:
        """Return raw steps, scales and means [B, 3 * channels, h, w]."""
        del context
        return self.fusion(features)


def _grown(channels: int) -> nn.Sequential:
    """Return a depth-wise block and a doubling of the size."""
    return nn.Sequential(*depthwise_block(channels, channels), *pointwise_double(channels, channels))
