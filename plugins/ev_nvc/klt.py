"""A head start for training: the transforms begin as a Karhunen-Loève transform of real pictures.

Each halving starts as the orthonormal basis that packs the most energy of its 2 x 2 neighbourhoods
into its channels, each doubling as the transpose. Before the first step the codec is then a
classical transform codec, and training goes on from there. A decision of ours.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.layers import ResidualBlock

from .transforms import Analysis, Synthesis

BLOCK_GAIN = 0.1  # what residual blocks keep of their random start
SIDE_GAIN = 0.1  # what paths beside the transform keep of theirs


@torch.no_grad()
def start_from_klt(
    analysis: Analysis, synthesis: Synthesis, leave: nn.Conv2d, images: Tensor, carried: int
) -> None:
    """Set the weights so that ``leave(synthesis(analysis(images)))`` nearly returns the carried channels.

    The first ``carried`` channels of ``images`` [N, C, H, W] are transformed, or as many as the transforms
    are wide; whatever else the layers see starts small.
    """
    carried = min(carried, leave.in_channels)
    for module in (*analysis.modules(), *synthesis.modules()):
        if isinstance(module, ResidualBlock):
            module.conv2.weight *= BLOCK_GAIN
    _carry(analysis.enter, carried)
    x, halvings = images[:, :carried], []
    for merge, halve in zip(analysis.merge, analysis.halve, strict=True):
        assert isinstance(halve, nn.Conv2d)
        _carry(merge, x.shape[1])
        folded = F.pixel_unshuffle(x, 2)
        basis = _principal(folded, halve.out_channels)
        _set_halving(halve, basis)
        halvings.append(basis)
        x = F.conv2d(folded, basis[:, :, None, None])
    for grow, merge, basis in zip(synthesis.grow, synthesis.merge, reversed(halvings), strict=True):
        _set_doubling(next(layer for layer in grow.modules() if isinstance(layer, nn.Conv2d)), basis)
        _carry(merge, basis.shape[1] // 4)
    leave.weight.zero_()
    for channel in range(carried):
        leave.weight[channel, channel, 1, 1] = 1


def _principal(x: Tensor, count: int) -> Tensor:
    """Return up to ``count`` principal directions [K, C] of x [N, C, H, W], strongest first."""
    samples = x.movedim(1, -1).reshape(-1, x.shape[1]).double()
    energy = samples.T @ samples / samples.shape[0]  # about zero, not the mean: there is no bias to hold it
    _, vectors = torch.linalg.eigh(energy)
    return vectors.T.flip(0)[:count].float()


def _carry(layer: nn.Module, channels: int) -> None:
    """Let the first channels through a convolution unchanged, and let the rest start small."""
    if isinstance(layer, nn.Conv2d):
        layer.weight *= SIDE_GAIN
        layer.weight[:channels] = 0
        for channel in range(channels):
            layer.weight[channel, channel, 1, 1] = 1


def _set_halving(conv: nn.Conv2d, basis: Tensor) -> None:
    """Make a strided 3x3 convolution the projection onto ``basis`` [K, 4 C] of 2 x 2 neighbourhoods."""
    count, folded = basis.shape
    conv.weight *= SIDE_GAIN
    conv.weight[:count] = 0
    conv.weight[:count, : folded // 4, 1:, 1:] = basis.view(count, folded // 4, 2, 2)


def _set_doubling(conv: nn.Conv2d, basis: Tensor) -> None:
    """Make convolution and pixel shuffle the transpose of that projection."""
    count, folded = basis.shape
    conv.weight *= SIDE_GAIN
    conv.weight[:folded] = 0
    conv.weight[:folded, :count, 1, 1] = basis.T
