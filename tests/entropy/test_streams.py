import pytest
import torch

from nvczoo.entropy.coders import NativeCoder, ReferenceCoder
from nvczoo.entropy.distributions import Laplace
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.errors import CorruptStream, StreamError
from nvczoo.interfaces import EntropyCoder, SymbolStream

CODERS = (NativeCoder, ReferenceCoder)


SHAPE = (2, 5, 12, 14)


def some_distributions() -> list[Laplace]:
    generator = torch.Generator().manual_seed(1)
    return [Laplace(position=torch.rand(SHAPE, generator=generator) * 60) for _ in range(3)]


def conversation(stream: SymbolStream, values: tuple[torch.Tensor, ...] | None) -> list[torch.Tensor]:
    """Code three parts, the last through a mask, as a codec would."""
    distributions = some_distributions()
    mask = torch.rand(1, *SHAPE[1:], generator=torch.Generator().manual_seed(2)) < 0.5
    given = values or (None, None, None)
    return [
        stream.part("a").code("x", given[0], distributions[0]),
        stream.part("a").part("b").code("x", given[1], distributions[1]),
        stream.code("masked", given[2], distributions[2], mask),
    ]


def some_values() -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    noise = torch.distributions.Laplace(0.0, 1.0)
    return tuple(noise.sample(SHAPE) * distribution.scale for distribution in some_distributions())


@pytest.mark.parametrize("coder", CODERS)
def test_the_reader_hears_what_the_writer_said(coder: type[EntropyCoder]) -> None:
    writer = BitWriter(coder())
    written = conversation(writer, some_values())
    layers = dict(writer.finish())
    reader = BitReader(coder(), layers)
    read = conversation(reader, None)
    reader.finish()
    assert all(torch.equal(a, b) for a, b in zip(written, read, strict=True))
    assert reader.checksums == writer.checksums


def test_counting_returns_what_writing_returns_and_estimates_its_size() -> None:
    counter, writer = BitCounter(), BitWriter(NativeCoder())
    counted, written = conversation(counter, some_values()), conversation(writer, some_values())
    assert all(torch.equal(a, b) for a, b in zip(counted, written, strict=True))
    assert set(counter.bits) == {"a.x", "a.b.x", "masked"}
    assert counter.total.shape == (2,)
    size = 8 * sum(len(data) for _, data in writer.finish())
    assert size == pytest.approx(float(counter.total.sum()), rel=0.01, abs=8 * 24)


def test_training_passes_the_gradient_through_rounding() -> None:
    values = (torch.randn(1, 4, 3, 3) * 3).requires_grad_()
    position = torch.full((1, 4, 3, 3), 30.0, requires_grad=True)
    counter = BitCounter(training=True)
    symbols = counter.code("y", values, Laplace(position=position))
    (symbols.sum() + counter.total.sum()).backward()
    assert torch.equal(symbols, values.detach().round())
    assert values.grad is not None
    assert position.grad is not None
    assert values.grad.abs().min() > 0


def test_layers_can_be_dropped() -> None:
    values = torch.tensor([[[[3.0]]]])
    distribution = Laplace(position=torch.full((1, 1, 1, 1), 30.0))
    writer = BitWriter(NativeCoder())
    writer.code("base", values, distribution)
    layer = writer.layer("enhancement")
    assert layer is not None
    layer.code("detail", values + 1, distribution)
    layers = dict(writer.finish())
    assert set(layers) == {"", "enhancement"}

    whole = BitReader(NativeCoder(), layers)
    assert whole.code("base", None, distribution).item() == 3
    detail = whole.layer("enhancement")
    assert detail is not None
    assert detail.code("detail", None, distribution).item() == 4

    assert BitReader(NativeCoder(), {"": layers[""]}).layer("enhancement") is None


def test_left_over_symbols_are_reported() -> None:
    writer = BitWriter(NativeCoder())
    conversation(writer, some_values())
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    with pytest.raises(StreamError):
        reader.finish()


def test_a_packet_without_main_layer_is_corrupt() -> None:
    with pytest.raises(CorruptStream, match="main layer"):
        BitReader(NativeCoder(), {})


@pytest.mark.parametrize("make", [BitCounter, lambda: BitWriter(ReferenceCoder())])
def test_counting_and_writing_need_values(make) -> None:
    with pytest.raises(TypeError, match="needs the values"):
        make().code("y", None, Laplace(position=torch.zeros(1, 1, 1, 1)))
