from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.entropy.distributions import Laplace
from nvczoo.errors import SettingError
from nvczoo.layers import halve_flow, join
from nvczoo.layers.warp import double_flow
from nvczoo.portable import Grid, PortableFactors, PortableLeakyReLU
from nvczoo.portable.certificate import CertifiedSymbols, certified
from nvczoo.portable.held import Held

FOREIGN = torch.ones(1)


class Glue(nn.Module):
    """Two portable modules, and something between them and after."""

    def __init__(
        self, between: Callable[[Tensor, Tensor], Tensor], fractions: tuple[int, int] = (8, 10)
    ) -> None:
        super().__init__()
        self.between = between
        self.parts = nn.ModuleList(PortableLeakyReLU(0.1, Grid(fraction)) for fraction in fractions)

    def forward(self, x: Tensor) -> Tensor:
        return self.between(*(part(x) for part in self.parts))


def proved(glue: Glue) -> Held:
    with certified(glue) as certificate:
        return certificate.known(glue(torch.ones(1, 4, 8, 8)))


EXACT_GLUE: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Held]] = {
    "sum": (lambda a, b: a + b, Held(10, (1 << 17) + (1 << 15))),
    "less a half": (lambda a, b: a - 0.5, Held(8, (1 << 15) + (1 << 7))),
    "joined": (lambda a, b: join(a, b), Held(10, 1 << 17)),
    "clamped": (lambda a, b: (a + b).clamp(0, 1), Held(10, 1 << 10)),
    "shuffled": (lambda a, b: F.pixel_shuffle(a, 2), Held(8, 1 << 15)),
    "half": (lambda a, b: b / 2, Held(11, 1 << 15)),
    "halved flow": (lambda a, b: halve_flow(a), Held(11, 1 << 17)),
    "doubled flow": (lambda a, b: double_flow(a), Held(11, 1 << 19)),
    "parts": (lambda a, b: a.chunk(2, dim=1)[0] + b[:, :2], Held(10, (1 << 17) + (1 << 15))),
    "the larger": (lambda a, b: torch.maximum(a, b), Held(10, 1 << 17)),
    "the smaller": (lambda a, b: torch.minimum(a, b), Held(10, 1 << 17)),
    "side by side": (lambda a, b: torch.stack((a, b)), Held(10, 1 << 17)),
    "in place": (lambda a, b: a.add_(b), Held(10, (1 << 17) + (1 << 15))),
}


@pytest.mark.parametrize("name", EXACT_GLUE)
def test_glue_that_is_exact_has_a_proof_and_a_bound(name: str) -> None:
    between, expected = EXACT_GLUE[name]
    found = proved(Glue(between))
    fraction = max(found.fraction, expected.fraction)
    assert found.finer(fraction) == expected.finer(fraction)


ROUNDING_GLUE: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], str]] = {
    "a product of two activations": (lambda a, b: a * b, "31 bits"),
    "a slope of a hundredth": (lambda a, b: F.leaky_relu(a, 0.01), "leaky_relu.*portable form"),
    "a third": (lambda a, b: a / 3, "no fraction of a power of two"),
    "a constant": (lambda a, b: a * 0.1, "no fraction of a power of two"),
    "a sigmoid": (lambda a, b: a.sigmoid(), "portable form"),
    "a mean of nine": (lambda a, b: F.avg_pool2d(a, 3), "2x2"),
    "a factor by name": (lambda a, b: torch.add(a, b, alpha=0.3), "alpha"),
    "a quotient": (lambda a, b: a / b, "not constant"),
    "foreign numbers": (lambda a, b: a + FOREIGN, "no portable module"),
}


@pytest.mark.parametrize("name", ROUNDING_GLUE)
def test_glue_that_could_round_is_refused_with_the_reason(name: str) -> None:
    between, reason = ROUNDING_GLUE[name]
    with pytest.raises(SettingError, match=reason):
        proved(Glue(between))


def test_sums_of_grids_too_far_apart_are_refused_though_the_numbers_at_hand_are_exact() -> None:
    glue = Glue(lambda a, b: a + b, fractions=(2, 14))
    assert torch.equal(glue(torch.ones(1, 4, 8, 8)), torch.full((1, 4, 8, 8), 2.0))
    with pytest.raises(SettingError, match=r"'add', some steps after 'parts\.1'"):
        proved(glue)


def test_factors_of_q_make_products_double_and_exact() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = PortableLeakyReLU(0.1, Grid(8))
            self.q = torch.tensor([20.0])
            self.gain = PortableFactors(lambda q: 1.5 + q[:, None, None, None] / 50)

        def forward(self, x: Tensor) -> Tensor:
            return self.act(x) * self.gain(nn.Identity(), self.q)

    network = Scaled()
    with certified(network) as certificate:
        held = certificate.known(network(torch.ones(1, 4, 8, 8)))
    assert held.most <= 1 << 43


def test_symbols_are_known_by_their_bits_and_indexes_need_a_proof() -> None:
    glue = Glue(lambda a, b: a)
    with certified(glue) as certificate:
        stream = CertifiedSymbols(certificate)
        mean = glue(torch.ones(1, 4, 8, 8))
        symbols = stream.code("x", None, Laplace(position=32.0 + 16.0 * mean))
        assert certificate.known(symbols + mean) == Held(8, (1 << 23) + (1 << 15))
        with pytest.raises(SettingError, match="exp"):
            stream.code("x", None, Laplace(position=mean.exp()))


def test_modules_are_as_before_when_the_proof_is_over() -> None:
    glue = Glue(lambda a, b: a + b)
    proved(glue)
    assert all("forward" not in vars(module) for module in glue.modules())
