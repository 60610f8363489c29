import math

import pytest
import torch
from nvczoo.plugins.dcvc.geometric_rate import AnchoredRate, GeometricRate

ANCHORS = torch.tensor([[2.0, 1.5], [1.1, 9.0], [0.3, 4.0], [0.5, 0.75]])


def test_rates_run_geometrically_from_the_first_anchor_to_the_last() -> None:
    found = GeometricRate().interpolate(ANCHORS, torch.tensor([0.0, 21.0, 63.0]))[:, :, 0, 0]
    torch.testing.assert_close(found[0], ANCHORS[0])
    torch.testing.assert_close(found[2], ANCHORS[3])
    torch.testing.assert_close(found[1], ANCHORS[0] * (ANCHORS[3] / ANCHORS[0]) ** (1 / 3))


def test_anchored_rates_pass_through_every_anchor() -> None:
    found = AnchoredRate().interpolate(ANCHORS, torch.tensor([0.0, 21.0, 42.0, 63.0]))[:, :, 0, 0]
    torch.testing.assert_close(found, ANCHORS, rtol=1e-6, atol=0)
    between = AnchoredRate().interpolate(ANCHORS, torch.tensor([31.5]))[0, 0, 0, 0]
    assert float(between) == pytest.approx(math.sqrt(1.1 * 0.3))


def test_a_gradient_reaches_the_anchors() -> None:
    anchors = ANCHORS.clone().requires_grad_()
    AnchoredRate().interpolate(anchors, torch.tensor([10.0, 50.0])).sum().backward()
    assert anchors.grad is not None
    assert (anchors.grad != 0).all()


def test_the_lagrangian_rises_with_q() -> None:
    rate = GeometricRate()
    low, high = rate.lagrangian(torch.tensor([0.0, 63.0]))
    assert float(low) == pytest.approx(85 / 255**2)
    assert float(high) == pytest.approx(840 / 255**2)
    q = rate.draw(1000, torch.Generator().manual_seed(0))
    assert 0 <= float(q.min()) < 2
    assert 61 < float(q.max()) <= 63
