import pytest
import torch
from torch import Tensor

from nvczoo.codec.arithmetic import FLOAT32, PORTABLE, limited
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.distributions import Laplace
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.errors import CorruptStream
from nvczoo.portable.symbols import MOST_SYMBOL

FAR = torch.tensor([[[[1e9, -1e9, 40000.0, 3.0]]]])
AT = Laplace(position=torch.full((1, 1, 1, 4), 63.0))


def written(values: Tensor, profile: str) -> tuple[Tensor, dict[str, bytes]]:
    writer = BitWriter(NativeCoder())
    symbols = limited(writer, profile).part("frame").code("latent", values, AT)
    return symbols, dict(writer.finish())


def test_what_goes_beyond_16_bits_is_clamped_before_it_is_written() -> None:
    symbols, data = written(FAR, PORTABLE)
    assert symbols.flatten().tolist() == [MOST_SYMBOL, -MOST_SYMBOL, MOST_SYMBOL, 3]
    found = limited(BitReader(NativeCoder(), data), PORTABLE).code("latent", None, AT)
    assert torch.equal(found, symbols)


def test_larger_symbols_in_a_portable_stream_are_refused_and_others_take_them() -> None:
    _, data = written(FAR.clamp(-40000, 40000), FLOAT32)
    with pytest.raises(CorruptStream, match="'latent' go up to 40000, those of a portable stream to 32767"):
        limited(BitReader(NativeCoder(), data), PORTABLE).code("latent", None, AT)
    assert limited(BitReader(NativeCoder(), data), FLOAT32).code("latent", None, AT).max() == 40000
