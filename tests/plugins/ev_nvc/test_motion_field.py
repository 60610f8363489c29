import torch
from nvczoo.plugins.ev_nvc.compensation import PRECISION
from nvczoo.plugins.ev_nvc.motion_field import MotionField, worth_a_bit
from nvczoo.plugins.ev_nvc.windows import Pair
from nvczoo.plugins.priors.field import FieldPrior

from nvczoo.entropy.streams import BitCounter

SIZE = (48, 80)
Q = torch.tensor([30.0])


def coded(field: torch.Tensor, before: torch.Tensor | None = None) -> tuple[torch.Tensor, BitCounter]:
    torch.manual_seed(0)
    stream = BitCounter()
    return MotionField(FieldPrior(2, 2)).code(stream, field, before, SIZE, Q), stream


def displacements(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-300, 300, (1, 2, 6, 10), generator=generator) / PRECISION


def test_displacements_come_back_as_they_are() -> None:
    for before in (None, displacements(1)):
        decoded, _ = coded(displacements(), before)
        assert torch.equal(decoded, displacements())


def test_nothing_but_the_rate_has_a_gradient() -> None:
    decoded, stream = coded(displacements())
    assert not decoded.requires_grad
    assert stream.total.requires_grad


def test_an_estimate_of_motion_is_where_the_search_begins() -> None:
    """Beyond what is searched, an estimate tells."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 1, 24, 128, generator=generator)
    large = torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bicubic")
    frame, reference = large[..., 112:240], large[..., :128]
    flow = torch.zeros(1, 2, 48, 64)
    flow[:, 0] = 56.0  # places of a packed picture
    pair = Pair(frame, reference, worth_a_bit(torch.tensor([0.2])))
    field = MotionField(FieldPrior(2, 2)).find(flow, pair, None, Q)
    assert torch.equal(field[0, 0, 2:-2, 0], torch.full((8,), 112.0))
