import math

import pytest
import torch

from nvczoo.entropy.capped import CappedGaussian, CappedLaplace
from nvczoo.entropy.distributions import Gaussian, Laplace

PAIRS = ((CappedLaplace, Laplace), (CappedGaussian, Gaussian))


@pytest.mark.parametrize(("capped", "plain"), PAIRS)
def test_likely_symbols_cost_what_they_cost_without_a_cap(capped: type, plain: type) -> None:
    scale = torch.tensor([0.3, 1.0, 4.0, 20.0])
    symbols = torch.tensor([0.0, 1.0, -3.0, 12.0])
    torch.testing.assert_close(
        capped(scale).bits(symbols), plain(scale=scale).bits(symbols), rtol=1e-2, atol=1e-2
    )


@pytest.mark.parametrize(("capped", "plain"), PAIRS)
def test_no_symbol_costs_more_than_the_cap_nor_less_than_nothing(capped: type, plain: type) -> None:
    del plain
    scale = torch.tensor([-3.0, 0.0, 1e-9, 0.5, 1e12])
    for symbol in (0.0, 1.0, -7.0, 3000.0):
        bits = capped(scale).bits(torch.full((5,), symbol))
        assert bits.isfinite().all()
        assert bits.min() >= 0
        assert bits.max() <= -math.log2(1e-5) + 1e-4


@pytest.mark.parametrize(("capped", "plain"), PAIRS)
def test_table_rows_are_those_of_the_plain_distribution(capped: type, plain: type) -> None:
    scale = torch.logspace(-3, 3, 200)
    assert torch.equal(capped(scale).indexes(), plain(scale=scale).indexes())
    assert capped(scale).table is plain(scale=scale).table


def test_the_floor_of_the_scale_is_an_argument() -> None:
    scale, symbols = torch.tensor([0.01]), torch.tensor([0.0])
    low, high = CappedGaussian(scale), CappedGaussian(scale, floor=2.0)
    assert low.bits(symbols) < 1e-3 < high.bits(symbols)


def test_rate_can_be_learned_from_scales_and_symbols() -> None:
    scale = torch.tensor([0.7], requires_grad=True)
    symbols = torch.tensor([1.3], requires_grad=True)
    CappedLaplace(scale).bits(symbols).sum().backward()
    assert scale.grad is not None
    assert symbols.grad is not None
    assert scale.grad < 0 < symbols.grad
