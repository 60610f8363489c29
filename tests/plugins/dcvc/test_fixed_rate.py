import pytest
import torch
from nvczoo.plugins.dcvc.fixed_rate import FixedRate


def test_the_published_lagrangians_are_at_four_equally_spaced_qualities() -> None:
    found = FixedRate().lagrangian(torch.tensor([0.0, 21.0, 42.0, 63.0])) * 255**2
    assert found.tolist() == pytest.approx([256, 512, 1024, 2048], rel=1e-5)


def test_training_draws_one_quality_and_steps_do_not_change_with_it() -> None:
    rate = FixedRate(trained_at=21)
    assert rate.draw(3).tolist() == [21, 21, 21]
    steps = rate.interpolate(torch.tensor([[0.5, 2.0]]), torch.tensor([0.0, 40.0]))[:, :, 0, 0]
    torch.testing.assert_close(steps, torch.tensor([[0.5, 2.0]] * 2))
