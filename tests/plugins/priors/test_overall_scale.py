import pytest
import torch
from nvczoo.plugins.priors.checkerboard import CheckerboardHyperprior
from nvczoo.plugins.priors.overall_scale import MOST, best_shift, tell_shift
from torch import Tensor

from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.distributions import Laplace
from nvczoo.entropy.ladder import LOWEST_OCTAVE, RUNGS_PER_OCTAVE
from nvczoo.entropy.lattice import CHECKERBOARD, lattice_mask
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter


def drawn(position: Tensor, seed: int = 0) -> Tensor:
    """Return what a Laplace with these positions gives."""
    uniform = torch.rand(position.shape, generator=torch.Generator().manual_seed(seed)) - 0.5
    scale = torch.exp2(position / RUNGS_PER_OCTAVE + LOWEST_OCTAVE)
    return -scale * uniform.sign() * torch.log1p(-2 * uniform.abs())


@pytest.mark.parametrize("off", [-9, -2, 0, 3])
def test_the_shift_is_what_the_scales_are_off_by(off: int) -> None:
    told = torch.linspace(15, 35, 16).view(1, 16, 1, 1).expand(1, 16, 24, 24)
    shift = best_shift(drawn(told + off), told, None)
    assert shift.shape == (1, 1, 1, 1)
    assert abs(int(shift) - off) <= 1


def test_each_clip_of_a_batch_has_its_own() -> None:
    told = torch.full((2, 8, 16, 16), 27.0)
    off = torch.tensor([-6.0, 6.0]).view(2, 1, 1, 1)
    low, high = best_shift(drawn(told + off), told, None).flatten().tolist()
    assert low < -4
    assert high > 4


def test_only_what_is_coded_counts() -> None:
    told = torch.full((1, 8, 16, 16), 27.0)
    mask = lattice_mask(CHECKERBOARD[0], told)
    values = drawn(told)
    loud = torch.where(mask, values, values * 100)
    assert torch.equal(best_shift(loud, told, mask), best_shift(values, told, mask))


def test_a_few_silent_elements_are_not_worth_telling() -> None:
    assert best_shift(torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1), 10.0), None).item() == 0


def test_it_stays_within_two_octaves_whatever_comes() -> None:
    told = torch.full((1, 8, 16, 16), 20.0)
    assert best_shift(torch.full_like(told, 1e6), told, None).item() == MOST
    assert best_shift(torch.zeros_like(told), told, None).item() == -MOST


@torch.inference_mode()
def test_calm_latents_take_fewer_bits_and_are_read_back() -> None:
    torch.manual_seed(0)
    plain, adapting = (CheckerboardHyperprior(8, overall_scale=on).eval() for on in (False, True))
    adapting.load_state_dict(plain.state_dict())
    calm = torch.randn(1, 8, 12, 12) * 0.1

    bits = []
    for prior in (plain, adapting):
        counter = BitCounter()
        prior.code(counter, calm, (12, 12))
        bits.append(float(counter.total))
    assert bits[1] < 0.8 * bits[0]

    writer = BitWriter(NativeCoder())
    written = adapting.code(writer, calm, (12, 12))
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    assert torch.equal(adapting.code(reader, None, (12, 12)), written)
    reader.finish()


def test_gradients_reach_what_tells_the_scales() -> None:
    torch.manual_seed(0)
    prior = CheckerboardHyperprior(4, overall_scale=True)
    counter = BitCounter(training=True)
    prior.code(counter, torch.randn(2, 4, 8, 8), (8, 8))
    counter.total.sum().backward()
    assert all(one.grad is not None for one in prior.fusion.parameters())


def test_the_shift_of_a_hostile_stream_stays_on_the_ladder() -> None:
    writer = BitWriter(NativeCoder())
    where = Laplace(position=torch.full((1, 1, 1, 1), 27.0))
    writer.code("shift", torch.full((1, 1, 1, 1), 2.0**30), where)
    data = dict(writer.finish())
    shift = tell_shift(BitReader(NativeCoder(), data), None, torch.zeros(1, 1, 1, 1), None)
    assert abs(int(shift)) <= 64
