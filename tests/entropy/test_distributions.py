import numpy as np
import pytest
import torch

from nvczoo.entropy.distributions import Gaussian, Laplace, ScaleLadder
from nvczoo.entropy.ladder import RUNGS, SCALE_BITS, SCALES, rung_scale
from nvczoo.entropy.tables import table_bits

FAMILIES = (Laplace, Gaussian)


def test_the_ladder_has_six_rungs_to_the_octave() -> None:
    assert len(SCALES) == RUNGS
    assert rung_scale(27) == 1 << SCALE_BITS
    assert all(SCALES[i + 6] // SCALES[i] in (1, 2) for i in range(RUNGS - 6))
    assert SCALES[63] == 64 << SCALE_BITS


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scale", [0.06, 0.5, 3.0, 20.0])
def test_probabilities_sum_to_one(family: type[ScaleLadder], scale: float) -> None:
    symbols = torch.arange(-400.0, 401.0)
    bits = family(scale=torch.full_like(symbols, scale)).bits(symbols)
    assert torch.exp2(-bits).sum() == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_position_and_scale_name_the_same_rung(family: type[ScaleLadder]) -> None:
    position = torch.linspace(-3, 70, 999)
    by_position = family(position=position)
    by_scale = family(scale=by_position.scale)
    difference = by_position.indexes().int() - by_scale.indexes().int()
    assert difference.abs().max() <= 1  # at a boundary, where both cost the same
    assert (difference != 0).float().mean() < 0.01


def test_a_laplace_in_the_far_tail_has_a_gradient() -> None:
    symbols = torch.tensor([500.0], requires_grad=True)
    Laplace(scale=torch.tensor([0.1])).bits(symbols).sum().backward()
    assert symbols.grad is not None
    assert symbols.grad.item() > 1


@pytest.mark.parametrize("family", FAMILIES)
def test_the_estimate_is_what_the_table_costs(family: type[ScaleLadder]) -> None:
    torch.manual_seed(0)
    position = torch.rand(200_000) * 50 + 4
    distribution = family(position=position)
    noise = (
        torch.distributions.Laplace(0.0, 1.0) if family is Laplace else torch.distributions.Normal(0.0, 1.0)
    )
    symbols = (noise.sample(position.shape) * distribution.scale).round()
    estimated = float(distribution.bits(symbols).sum())
    tables = distribution.table
    rows = distribution.indexes().numpy()
    place = symbols.int().numpy() - tables.offsets[rows]
    known = (place >= 0) & (place < tables.sizes[rows] - 1)  # the rest escape, at their own price
    starts = np.cumsum(tables.sizes) - tables.sizes
    prices = table_bits(tables)[starts[rows[known]] + place[known]]
    assert known.mean() > 0.999
    assert prices.sum() == pytest.approx(estimated, rel=0.01)


@pytest.mark.parametrize("family", [Laplace, Gaussian])
def test_training_learns_scales_from_rounded_values_and_values_from_noisy_ones(family) -> None:
    generator = torch.Generator().manual_seed(0)
    values = (torch.randn(500, generator=generator) * 0.3).requires_grad_()  # most become zero
    position = torch.full((500,), 10.0, requires_grad=True)
    noise = torch.rand(500, generator=generator) - 0.5

    trained = family(position=position).noisy_bits(values, noise)
    trained.sum().backward()
    found = values.grad, position.grad
    values.grad = position.grad = None
    exact = family(position=position).bits(values.detach().round())
    noisy = family(position=position.detach()).bits(values + noise)
    (exact.sum() + noisy.sum()).backward()

    assert torch.equal(trained, exact)
    assert torch.equal(found[0], values.grad)
    assert torch.equal(found[1], position.grad)


def test_a_scale_that_is_known_already_is_learned_from_rounded_values_as_well() -> None:
    distribution = Laplace(scale=torch.full((3,), 0.5, requires_grad=True))
    assert distribution.scale.requires_grad  # and kept
    bits = distribution.noisy_bits(torch.zeros(3), torch.tensor([0.4, -0.4, 0.1]))
    assert torch.equal(bits, distribution.bits(torch.zeros(3)))
