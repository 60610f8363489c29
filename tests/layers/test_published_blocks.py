"""The blocks that published families share: their sizes, and formulas where they would surprise."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nvczoo.layers.contexts import ContextFusion, FeatureExtractor
from nvczoo.layers.contextual import ContextualAnalysis, ContextualSynthesis, Reconstruction
from nvczoo.layers.depthwise import DepthwiseConv, FeedForward, GatedFeedForward, depthwise_block, gated_block
from nvczoo.layers.offset_diversity import OffsetDiversity
from nvczoo.layers.residual import Bottleneck, ResidualDown, ResidualUp
from nvczoo.layers.unet import UNet

WIDTHS = (6, 8, 10)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (depthwise_block(4, 6), (6, 8, 12)),
        (depthwise_block(4, 4, stride=2), (4, 4, 6)),
        (gated_block(4, 4), (4, 8, 12)),
        (ResidualDown(4, 6), (6, 4, 6)),
        (ResidualUp(4, 6), (6, 16, 24)),
        (Bottleneck(4), (4, 8, 12)),
        (UNet(4, 6, depthwise_block), (6, 8, 12)),
    ],
)
@torch.inference_mode()
def test_blocks_have_the_size_they_say(block: nn.Module, expected: tuple[int, ...]) -> None:
    assert block(torch.randn(2, 4, 8, 12)).shape == (2, *expected)


@torch.inference_mode()
def test_depthwise_part_has_one_activation() -> None:
    part, x = DepthwiseConv(4, 6), torch.randn(1, 4, 5, 5)
    inner = part.depthwise(F.leaky_relu(part.conv1(x), 0.01))
    torch.testing.assert_close(part(x), part.conv2(inner) + part.shortcut(x))


def test_a_halving_depthwise_part_takes_every_other_pixel_and_averages_for_the_way_around() -> None:
    block, x = DepthwiseConv(3, 5, stride=2), torch.randn(1, 3, 6, 8, requires_grad=True)
    inner = F.leaky_relu(block.conv1(x[:, :, ::2, ::2]), 0.01)
    expected = block.conv2(block.depthwise(inner)) + F.conv2d(
        x, block.shortcut.weight, block.shortcut.bias, stride=2
    )
    found = block(x)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert x.grad is not None


@torch.inference_mode()
def test_feed_forward_parts_do_not_change_their_input() -> None:
    x = torch.randn(1, 4, 5, 5)
    for part in (FeedForward(4), GatedFeedForward(4), DepthwiseConv(4, 4), Bottleneck(4)):
        kept = x.clone()
        part(x)
        assert torch.equal(x, kept)


def test_hidden_width_is_capped() -> None:
    assert [FeedForward(width).conv1.out_channels for width in (32, 384, 600)] == [128, 1024, 1200]


@torch.inference_mode()
def test_without_offsets_every_piece_is_warped_by_the_flow() -> None:
    align, features = OffsetDiversity(32, 5), torch.randn(1, 32, 8, 8)
    last = align.offsets[-1]
    assert isinstance(last, nn.Conv2d)
    nn.init.zeros_(last.weight)
    found = align(features, torch.randn(1, 5, 8, 8), torch.zeros(1, 2, 8, 8))
    expected = align.merge(torch.cat((features, features), dim=1) / 2)  # the weight of each piece is 1/2
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_contexts_are_found_and_mended_at_three_scales() -> None:
    features = FeatureExtractor(4, WIDTHS)(torch.randn(1, 4, 16, 24))
    mended = ContextFusion(WIDTHS)(features)
    for scale, (one, other) in enumerate(zip(features, mended, strict=True)):
        assert one.shape == other.shape == (1, WIDTHS[scale], 16 >> scale, 24 >> scale)


@torch.inference_mode()
def test_a_picture_goes_through_analysis_synthesis_and_reconstruction() -> None:
    contexts = FeatureExtractor(4, WIDTHS)(torch.randn(1, 4, 32, 48))
    analysis, synthesis = ContextualAnalysis(3, WIDTHS, 5), ContextualSynthesis(WIDTHS, 5)
    latent = analysis(torch.randn(1, 3, 32, 48), contexts, torch.ones(1, analysis.gain_channels, 1, 1))
    assert latent.shape == (1, 5, 2, 3)
    found = synthesis(latent, contexts, torch.ones(1, synthesis.gain_channels, 1, 1))
    unets = Reconstruction(6, 3, lambda a, b: UNet(a, b, depthwise_block))
    feature, picture = unets(found, contexts[0])
    assert feature.shape == (1, 6, 32, 48)
    assert picture.shape == (1, 3, 32, 48)
