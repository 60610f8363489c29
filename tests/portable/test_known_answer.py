import torch
from torch import nn

from nvczoo.entropy.distributions import Laplace
from nvczoo.interfaces import IntraCodec, Layout, Reference, Setting, SymbolStream
from nvczoo.portable import PortableConv2d, Reached, WeightBits, portable, watched
from nvczoo.portable.known_answer import LARGE, SMALL, KnownSymbols, known_answer, known_symbols


class OneConv(IntraCodec):
    """Four symbols to a pixel of a sixteenth, and one convolution behind them."""

    layout: Layout = "rgb"
    stride = 16

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.leave = nn.Sequential(nn.Conv2d(4, 3 * 256, 3, padding=1), nn.PixelShuffle(16))

    def code(
        self,
        frame: torch.Tensor | None,
        references: tuple[Reference, ...],
        setting: Setting,
        stream: SymbolStream,
    ) -> Reference:
        height, width = (side // 16 for side in setting.size)
        latent = stream.code("latent", None, Laplace(position=torch.full((1, 4, height, width), 20.0)))
        return Reference((self.leave(latent * 0.125) + 0.5).clamp(0, 1))


def a_portable_codec(seed: int = 0) -> OneConv:
    codec = OneConv(seed).requires_grad_(False)
    with watched(codec.leave) as ranges:
        codec.leave(torch.randn(1, 4, 8, 8))
    codec.leave = portable(codec.leave, ranges, Reached(frozenset(("0", "1"))), WeightBits(8))
    return codec


def test_symbols_follow_from_their_place_alone() -> None:
    whole = known_symbols(torch.arange(10_000))
    assert torch.equal(known_symbols(torch.arange(500, 600)), whole[500:600])
    assert set(range(-SMALL, SMALL + 1)) <= set(whole.tolist())
    assert whole.abs().max() > LARGE // 2
    assert (whole.abs() <= SMALL).double().mean() > 0.9


def test_a_stream_sums_up_the_indexes_it_is_asked_for() -> None:
    checksums = set()
    for position in (20.0, 21.0):
        stream = KnownSymbols()
        symbols = stream.code("x", None, Laplace(position=torch.full((1, 2, 4, 4), position)))
        assert symbols.shape == (1, 2, 4, 4)
        checksums.add(stream.checksum)
    assert len(checksums) == 2


def test_what_is_masked_is_zero_and_not_summed_up() -> None:
    mask = torch.zeros(1, 2, 4, 4, dtype=torch.bool)
    mask[..., ::2, :] = True
    streams = (KnownSymbols(), KnownSymbols())
    position = torch.full((1, 2, 4, 4), 20.0)
    for stream, hidden in zip(streams, (20.0, 50.0), strict=True):
        distribution = Laplace(position=torch.where(mask, position, hidden))
        assert not stream.code("x", None, distribution, mask)[~mask].any()
    assert streams[0].checksum == streams[1].checksum


def test_the_answer_is_the_same_by_every_path_and_another_for_other_weights() -> None:
    codec = a_portable_codec()
    expected = known_answer(codec)
    (conv,) = (one for one in codec.modules() if isinstance(one, PortableConv2d))
    conv.hurry()
    assert known_answer(codec) == expected
    assert known_answer(a_portable_codec(seed=1)) != expected


def test_the_answer_tells_the_smallest_change_of_one_weight() -> None:
    codec = a_portable_codec()
    expected = known_answer(codec)
    (conv,) = (one for one in codec.modules() if isinstance(one, PortableConv2d))
    conv.weight[0, 0, 1, 1] += 1
    assert known_answer(codec) != expected
