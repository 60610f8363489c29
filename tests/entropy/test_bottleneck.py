import pytest
import torch

from nvczoo.entropy.bottleneck import EntropyBottleneck
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.entropy.tables import table_bits
from nvczoo.errors import SettingError

CHANNELS, SIZE = 3, (4, 5)


@pytest.fixture
def density() -> EntropyBottleneck:
    torch.manual_seed(0)
    made = EntropyBottleneck(CHANNELS)
    made.quantiles.data[:, 0, 1] = torch.tensor([0.0, 0.4, -3.2])
    for factor in made.factors:
        factor.data.uniform_(-0.5, 0.5)
    return made


@torch.inference_mode()
def test_what_is_estimated_is_what_the_table_costs(density: EntropyBottleneck) -> None:
    distribution = density.distribution((1, 9))
    symbols = torch.arange(-4, 5.0).expand(1, CHANNELS, 1, 9)
    table = distribution.table
    starts = [0, *table.sizes.cumsum()]
    for channel in range(CHANNELS):
        row = table_bits(table)[starts[channel] : starts[channel + 1]]
        place = -4 - int(table.offsets[channel])
        found = distribution.bits(symbols)[0, channel, 0]
        expected = torch.from_numpy(row[place : place + 9]).float()
        torch.testing.assert_close(found, expected, rtol=0.02, atol=0.02)


@torch.inference_mode()
def test_the_likelihoods_of_all_symbols_sum_to_one(density: EntropyBottleneck) -> None:
    symbols = torch.arange(-200, 201.0).view(1, 1, 1, -1).expand(1, CHANNELS, 1, -1)
    likelihood = torch.exp2(-density.distribution((1, 401)).bits(symbols)).sum(3)
    torch.testing.assert_close(likelihood, torch.ones(1, CHANNELS, 1), rtol=1e-3, atol=1e-3)


@torch.inference_mode()
def test_symbols_come_back_and_stand_for_values_around_the_median(density: EntropyBottleneck) -> None:
    values = 4 * torch.randn(2, CHANNELS, *SIZE) + density.centre
    distribution = density.distribution(SIZE, batch=2)
    writer = BitWriter(NativeCoder())
    written = writer.code("latent", values - density.centre, distribution)
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    assert torch.equal(reader.code("latent", None, distribution), written)
    assert (written + density.centre - values).abs().max() <= 0.5001


def test_rate_can_be_learned_from(density: EntropyBottleneck) -> None:
    density.distribution(SIZE).bits(torch.randn(1, CHANNELS, *SIZE)).sum().backward()
    grads = [one.grad for one in (*density.matrices, *density.biases, *density.factors)]
    assert all(one is not None and one.isfinite().all() and one.any() for one in grads)


def test_more_channels_than_a_table_has_rows_are_refused() -> None:
    with pytest.raises(SettingError, match="256 channels at most, not 257: code groups"):
        EntropyBottleneck(257).distribution(SIZE)
