import torch
from torch import nn

from nvczoo.portable import PortableFactors

KNOTS = torch.tensor([0.0, 16.0, 32.0, 48.0, 63.0])


def linear(q: torch.Tensor) -> torch.Tensor:
    values = torch.tensor([0.5, 1.25, 3.0, 8.5, 21.0])
    segment = torch.bucketize(q, KNOTS[1:-1], right=True)
    place = (q - KNOTS[segment]) / (KNOTS[segment + 1] - KNOTS[segment])
    return torch.lerp(values[segment], values[segment + 1], place)[:, None, None, None].repeat(1, 3, 1, 1)


def test_a_rule_linear_between_whole_knots_is_met_at_every_q_of_a_stream() -> None:
    q = torch.arange(63 * 256 + 1) / 256.0
    found = PortableFactors(linear)(nn.Identity(), q)
    assert found.shape == (63 * 256 + 1, 3, 1, 1)
    assert torch.allclose(found, linear(q).double(), atol=1e-4)


def test_factors_are_integers_of_few_bits_times_a_power_of_two() -> None:
    factors = PortableFactors(linear)
    units = factors(nn.Identity(), torch.tensor([12.34, 62.99])) / factors.target.step * 256
    assert torch.equal(units, units.round())
    assert units.abs().max() < 2**28


def test_a_product_with_an_activation_is_exact() -> None:
    factors = PortableFactors(linear)
    found = torch.full((1, 3, 1, 1), 32767 / 4096) * factors(nn.Identity(), torch.tensor([33.5]))
    assert found.dtype == torch.float64
    units = factors(nn.Identity(), torch.tensor([33.5]))[0, 0, 0, 0] / factors.target.step * 256
    assert int(found[0, 0, 0, 0] * 4096 / factors.target.step * 256) == 32767 * int(units)
