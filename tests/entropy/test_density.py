import numpy as np
import pytest
import torch

from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.density import Density, density_tables
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.entropy.tables import fingerprint, frequencies
from nvczoo.errors import SettingError


def wide(channels: int, rows: int = 1) -> Density:
    torch.manual_seed(0)
    density = Density(channels, rows)
    with torch.no_grad():
        for group in (density.slopes, density.offsets, density.bends):
            for one in group:
                one.uniform_(-0.5, 0.5)
    return density


def test_probabilities_of_all_integers_sum_to_one() -> None:
    found = wide(5).distribution((1, 401))
    symbols = torch.arange(-200.0, 201).expand(1, 5, 1, 401)
    with torch.inference_mode():
        total = (2.0 ** -found.bits(symbols) - 1e-5).sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total), atol=2e-4, rtol=0)


def test_tables_cost_what_is_estimated() -> None:
    found = wide(3).distribution((1, 1))
    tables, share = found.table, frequencies(found.table)
    start = 0
    for channel in range(3):
        size, offset = int(tables.sizes[channel]), int(tables.offsets[channel])
        row = share[start : start + size - 1] / 2.0**tables.precision
        symbols = torch.zeros(1, 3, 1, size - 1)
        symbols[:] = torch.arange(offset, offset + size - 1, dtype=torch.float32)
        with torch.inference_mode():
            bits = found.bits(symbols)[0, channel, 0].double().numpy()
        assert abs((row * (-np.log2(row) - bits)).sum()) < 0.01
        start += size


def test_symbols_come_back_and_far_ones_escape() -> None:
    density = wide(6)
    symbols = torch.randint(-9, 9, (1, 6, 4, 5)).float()
    symbols[0, 2, 1, 1] = 5000
    writer = BitWriter(NativeCoder())
    with torch.inference_mode():
        writer.code("z", symbols, density.distribution((4, 5)))
        reader = BitReader(NativeCoder(), dict(writer.finish()))
        assert torch.equal(reader.code("z", None, density.distribution((4, 5))), symbols)
        reader.finish()


def test_the_variant_follows_q() -> None:
    density = wide(2, rows=64)
    symbols = torch.ones(2, 2, 3, 3)
    with torch.inference_mode():
        both = density.distribution((3, 3), torch.tensor([0.0, 63.0])).bits(symbols)
        last = density.distribution((3, 3), torch.tensor([63.0])).bits(symbols[:1])
    assert torch.equal(both[1:], last)
    assert not torch.equal(both[:1], last)


def test_tables_are_made_once_for_the_same_parameters() -> None:
    density = wide(2)
    first = density.distribution((1, 1)).table
    assert density.distribution((2, 2)).table is first
    with torch.no_grad():
        density.offsets[0].add_(1)
    assert density.distribution((1, 1)).table is not first


def test_tables_are_frozen() -> None:
    steps = np.linspace(-1, 1, 11 * 2, dtype=np.float32)
    tables = density_tables(steps.tobytes(), 2)
    assert tables.sizes.tolist() == [440, 335]
    assert fingerprint(tables) == "f833f765703e35c89d8c91c59528576ebf5c6f86c090024502e00b135bde05c7"


def test_more_channels_than_a_byte_can_number_are_refused() -> None:
    with pytest.raises(SettingError, match="256"):
        Density(257)
