from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from nvczoo.layers import strips
from nvczoo.layers.depthwise import DepthwiseConv, FeedForward, GatedFeedForward
from nvczoo.layers.offset_diversity import OffsetDiversity
from nvczoo.layers.strips import in_strips, one_by_one, plus, times


@pytest.mark.parametrize(
    ("block", "heights"),
    [
        (FeedForward(8), [37, 10, 10, 10, 7]),
        (GatedFeedForward(8), [37, 10, 10, 10, 7]),
        (DepthwiseConv(8, 12), [37, 11, 12, 12, 8]),  # a row above and below, where there are such
    ],
)
def test_a_large_picture_comes_out_of_strips_as_if_whole(
    block: nn.Module, heights: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.randn(2, 8, 37, 40, generator=torch.Generator().manual_seed(0))
    done: list[int] = []
    block.conv1.register_forward_pre_hook(lambda _, given: done.append(given[0].shape[2]))  # type: ignore[union-attr]
    with torch.no_grad():
        whole = block(x)
        monkeypatch.setattr(strips, "STRIP_PIXELS", 400)
        found = block(x)
    assert done == heights
    torch.testing.assert_close(found, whole, rtol=0, atol=1e-6)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_gradients_need_the_picture_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "STRIP_PIXELS", 16)
    heights: list[int] = []
    in_strips(lambda x: heights.append(x.shape[2]) or x, torch.ones(1, 1, 9, 8))
    with torch.no_grad():
        in_strips(lambda x: heights.append(x.shape[2]) or x, torch.ones(1, 1, 9, 8))
    assert heights == [9, 2, 2, 2, 2, 1]


@pytest.mark.parametrize(("join", "expected"), [(plus, 5.0), (times, 6.0)])
def test_sums_and_products_take_no_new_memory_unless_a_gradient_asks_for_the_old(
    join: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], expected: float
) -> None:
    fresh, other = torch.full((2,), 2.0), torch.full((2,), 3.0)
    assert join(fresh, other) is not fresh
    assert fresh.tolist() == [2.0, 2.0]
    with torch.no_grad():
        assert join(fresh.bfloat16(), other).dtype == torch.float32  # as if no memory were saved
        assert join(fresh, other) is fresh
    assert fresh.tolist() == [expected, expected]


def test_modules_one_by_one_are_a_sequence() -> None:
    modules = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1))
    x = torch.ones(1, 3, 5, 5)
    assert torch.equal(one_by_one(modules, x), modules(x))


def test_halves_of_offset_diversity_are_merged_as_the_whole_convolution_would() -> None:
    torch.manual_seed(0)
    align = OffsetDiversity(8, 3)
    features, side, flow = torch.randn(1, 8, 16, 16), torch.randn(1, 3, 16, 16), torch.zeros(1, 2, 16, 16)
    pieces: list[torch.Tensor] = []
    plain = nn.functional.conv2d

    def conv2d(x: torch.Tensor, *rest: Any, **options: Any) -> torch.Tensor:
        if options:  # modules name none
            pieces.append(x)
        return plain(x, *rest, **options)

    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr("nvczoo.layers.offset_diversity.F.conv2d", conv2d)
        found = align(features, side, flow)
    with torch.no_grad():
        expected = align.merge(torch.cat(pieces, dim=1))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
