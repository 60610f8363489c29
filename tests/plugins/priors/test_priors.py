import pytest
import torch
from nvczoo.plugins.priors.checkerboard import CheckerboardHyperprior
from nvczoo.plugins.priors.factorized import Factorized
from nvczoo.plugins.priors.field import FieldPrior
from nvczoo.plugins.priors.four_part import FourPartHyperprior
from nvczoo.plugins.priors.hyperprior import Hyperprior

from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.lattice import lattice_mask
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.interfaces import EntropyModel

PRIORS = (Factorized, FieldPrior, Hyperprior, CheckerboardHyperprior, FourPartHyperprior)
HYPERPRIORS = PRIORS[2:]


@pytest.mark.parametrize("prior", HYPERPRIORS)
def test_the_passes_code_every_element_once(prior: type[Hyperprior]) -> None:
    like = torch.zeros(1, 8, 5, 7)
    covered = sum(lattice_mask(cells, like).int() for cells in prior.lattice)
    assert torch.equal(covered, torch.ones(1, 8, 5, 7, dtype=torch.int32))


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("size", [(4, 4), (5, 7), (1, 1), (9, 2)])
@torch.inference_mode()
def test_decoder_has_the_encoders_latent_at_any_size(
    prior: type[EntropyModel], size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    model = prior(channels=8, context_channels=3).eval()
    latent, context = torch.randn(1, 8, *size) * 5, torch.randn(1, 3, *size)
    writer = BitWriter(NativeCoder())
    counter = BitCounter()
    written = model.code(writer, latent, size, context)
    counted = model.code(counter, latent, size, context)
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    read = model.code(reader, None, size, context)
    reader.finish()
    assert torch.equal(written, read)
    assert torch.equal(written, counted)
    assert (written - latent).abs().max() <= 0.5001


@pytest.mark.parametrize("prior", PRIORS)
def test_a_prior_learns_to_spend_fewer_bits(prior: type[EntropyModel]) -> None:
    torch.manual_seed(0)
    model = prior(channels=4)
    latent = torch.randn(4, 4, 8, 8) * torch.tensor([0.1, 0.5, 2.0, 8.0]).view(1, 4, 1, 1) + 3
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    totals = []
    for _ in range(200):
        counter = BitCounter(training=True)
        model.code(counter, latent, (8, 8))
        loss = counter.total.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        totals.append(loss.item())
    assert sum(totals[-10:]) / 10 < 0.85 * totals[0]


def test_later_passes_are_predicted_from_earlier_ones() -> None:
    torch.manual_seed(0)
    model = CheckerboardHyperprior(channels=2).eval()
    latent = torch.randn(1, 2, 4, 4) * 9
    other = latent.clone()
    other[:, 0, 0, 0] += 40  # coded in the first pass
    bits = []
    for values in (latent, other):
        counter = BitCounter()
        model.code(counter, values, (4, 4))
        bits.append(counter.bits["latent"])
    assert bits[0] != bits[1]
