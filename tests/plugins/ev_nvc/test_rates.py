import pytest
import torch
from nvczoo.plugins.ev_nvc.log_uniform_rate import LogUniformRate
from nvczoo.plugins.ev_nvc.piecewise_rate import KNOTS, LAGRANGIANS, SEGMENT_WEIGHTS, PiecewiseLinearRate

from nvczoo.interfaces import RateSampler

RATES = (PiecewiseLinearRate(), LogUniformRate())


@pytest.mark.parametrize("rate", RATES)
def test_better_quality_costs_more(rate: RateSampler) -> None:
    lagrangians = rate.lagrangian(torch.linspace(0, 63, 200))
    assert (lagrangians.diff() > 0).all()
    assert lagrangians[-1] / lagrangians[0] == pytest.approx(1000, rel=0.01)


@pytest.mark.parametrize("rate", RATES)
def test_steps_meet_their_anchors_at_both_ends_and_stay_between(rate: RateSampler) -> None:
    torch.manual_seed(0)
    anchors = torch.rand(rate.anchors, 5) + 0.5
    steps = rate.interpolate(anchors, torch.tensor([0.0, 63.0, 20.5]))
    assert steps.shape == (3, 5, 1, 1)
    assert torch.allclose(steps[0, :, 0, 0], anchors[0])
    assert torch.allclose(steps[1, :, 0, 0], anchors[-1])
    assert ((steps[2, :, 0, 0] >= anchors.amin(0)) & (steps[2, :, 0, 0] <= anchors.amax(0))).all()


def test_piecewise_steps_are_linear_between_knots_and_exact_at_them() -> None:
    rate = PiecewiseLinearRate()
    anchors = torch.tensor([[1.0], [2.0], [4.0], [8.0], [16.0]])
    found = rate.interpolate(anchors, torch.tensor([*KNOTS, 8.0, 40.0])).flatten()
    assert found.tolist() == pytest.approx([1, 2, 4, 8, 16, 1.5, 6])
    assert rate.lagrangian(torch.tensor(KNOTS)).tolist() == pytest.approx(LAGRANGIANS, rel=1e-5)


def test_segments_are_drawn_by_their_weights() -> None:
    q = PiecewiseLinearRate().draw(20_000, torch.Generator().manual_seed(0))
    counts = torch.histogram(q, torch.tensor(KNOTS)).hist / 20_000
    assert counts.tolist() == pytest.approx(SEGMENT_WEIGHTS, abs=0.02)
    assert q.min() >= 0
    assert q.max() <= 63


def test_log_uniform_draws_the_whole_range() -> None:
    q = LogUniformRate().draw(10_000, torch.Generator().manual_seed(0))
    assert q.mean() == pytest.approx(31.5, abs=0.5)


def test_knots_without_their_lagrangians_are_refused() -> None:
    with pytest.raises(ValueError, match="Lagrangians"):
        PiecewiseLinearRate(knots=(0, 63), lagrangians=(1.0,), weights=(1.0,))
