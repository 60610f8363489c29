import math

import pytest
import torch

from nvczoo.entropy.distributions import Gaussian
from nvczoo.entropy.likelihood import LEAST_DEVIATION, LEAST_LIKELIHOOD, FlooredGaussian


def test_symbols_cost_what_a_gaussian_makes_of_them() -> None:
    scale, symbols = torch.tensor([0.3, 1.0, 4.0, 20.0]), torch.tensor([0.0, 1.0, -3.0, 12.0])
    expected = Gaussian(scale=scale).bits(symbols)
    torch.testing.assert_close(FlooredGaussian(scale).bits(symbols), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(FlooredGaussian(scale).indexes(), Gaussian(scale=scale).indexes())


def test_no_symbol_costs_more_than_the_floor_allows() -> None:
    scale = torch.tensor([-2.0, 0.0, 0.5, 1e12])
    for symbol in (0.0, -9.0, 5000.0):
        bits = FlooredGaussian(scale).bits(torch.full((4,), symbol))
        assert bits.min() >= 0
        assert bits.max() <= -math.log2(LEAST_LIKELIHOOD) + 1e-4


def test_small_scales_count_as_the_least() -> None:
    symbols = torch.tensor([0.0, 1.0])
    low = FlooredGaussian(torch.tensor([-1.0, 0.01])).bits(symbols)
    assert torch.equal(low, FlooredGaussian(torch.full((2,), LEAST_DEVIATION)).bits(symbols))


@pytest.mark.parametrize("symbol", [6.0, -6.0])
def test_the_far_tail_keeps_its_digits(symbol: float) -> None:
    found = float(FlooredGaussian(torch.tensor([1.0])).bits(torch.tensor([symbol])))
    tail = 0.5 * (math.erfc(5.5 / math.sqrt(2)) - math.erfc(6.5 / math.sqrt(2)))
    assert found == pytest.approx(-math.log2(tail), rel=1e-4)
