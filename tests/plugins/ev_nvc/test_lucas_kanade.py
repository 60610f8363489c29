import pytest
import torch
from nvczoo.plugins.ev_nvc.lucas_kanade import refined
from torch import Tensor

from nvczoo.layers import double_flow, warp

TRUE = (1.3, -0.7)


def scene(side: int) -> Tensor:
    """Return a smooth pattern [1, 1, side, side] with detail in all directions."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(1, 1, side // 4, side // 4, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic").clamp(0, 1)


def constant(right: float, down: float, side: int) -> Tensor:
    return torch.tensor([right, down]).view(1, 2, 1, 1).expand(1, 2, side, side).clone()


def error(flow: Tensor, true: Tensor) -> float:
    """Return the mean end-point error away from the border, in pixels."""
    return float((flow - true)[..., 8:-8, 8:-8].norm(dim=1).mean())


@pytest.mark.parametrize("side", [64, 128])  # of luma: that of the flow, or twice as much
def test_a_flow_nearly_right_becomes_right(side: int) -> None:
    true, reference = constant(*TRUE, 64), scene(side)
    current = warp(reference, true if side == 64 else double_flow(true), "bicubic")
    near = true + constant(0.4, -0.3, 64)
    better = refined(near, current, reference, steps=6)
    assert error(near, true) > 0.45
    assert error(better, true) < 0.1


def test_where_nothing_is_seen_the_flow_stays() -> None:
    flat, flow = torch.full((1, 1, 64, 64), 0.5), constant(*TRUE, 64)
    assert torch.equal(refined(flow, flat, flat, steps=4), flow)


def test_it_never_fetches_worse_than_before() -> None:
    reference, generator = scene(64), torch.Generator().manual_seed(4)
    current = torch.rand(1, 1, 64, 64, generator=generator)  # nothing that could be found
    flow = constant(0.0, 0.0, 64)
    better = refined(flow, current, reference, steps=4)
    before, after = ((warp(reference, one) - current).square().mean() for one in (flow, better))
    assert after <= before


def test_gradients_reach_what_estimated_the_flow() -> None:
    reference = scene(64)
    flow = constant(*TRUE, 64).requires_grad_()
    refined(flow, reference, reference, steps=2).sum().backward()
    assert flow.grad is not None
    assert torch.equal(flow.grad, torch.ones_like(flow))


def test_no_steps_change_nothing() -> None:
    flow = constant(*TRUE, 64)
    assert torch.equal(refined(flow, scene(64), scene(64), steps=0), flow)
