import pytest
import torch
from torch import Tensor, nn

from nvczoo.entropy.capped import CappedLaplace
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.serial import CausalConv, SerialGuess, code_serially
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter

CHANNELS, TOLD = 3, 2
SIZES = ((5, 7), (1, 6), (6, 1), (1, 1))


@pytest.fixture
def guess() -> SerialGuess:
    torch.manual_seed(0)
    fusion = nn.Sequential(
        nn.Conv2d(TOLD + 2 * CHANNELS, 9, 1), nn.LeakyReLU(), nn.Conv2d(9, 2 * CHANNELS, 1)
    )
    return SerialGuess(CausalConv(CHANNELS, 2 * CHANNELS), fusion, scales_first=False)


def latents(size: tuple[int, int], batch: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    values = 4 * torch.randn(batch, CHANNELS, *size, generator=generator)
    return values, torch.randn(batch, TOLD, *size, generator=generator)


@torch.inference_mode()
def in_raster_order(guess: SerialGuess, values: Tensor, told: Tensor) -> Tensor:
    """Return what is decoded if each place is coded after all those before it, by whole convolutions."""
    decoded = torch.zeros_like(values)
    for row in range(values.shape[2]):
        for column in range(values.shape[3]):
            _, means = guess.everywhere(told, decoded)
            mean = means[:, :, row, column]
            decoded[:, :, row, column] = (values[:, :, row, column] - mean).round() + mean
    return decoded


def test_a_causal_convolution_sees_nothing_at_or_after_its_place() -> None:
    layer, x = CausalConv(1, 1), torch.zeros(1, 1, 7, 7, requires_grad=True)
    layer.weight.data.fill_(1.0)
    layer(x)[0, 0, 3, 3].backward()
    assert x.grad is not None
    seen = torch.zeros(7, 7)
    seen[1:3, 1:6] = 1
    seen[3, 1:3] = 1
    assert torch.equal(x.grad[0, 0], seen)


@pytest.mark.parametrize("size", SIZES)
@torch.inference_mode()
def test_wavefronts_give_what_raster_order_gives(guess: SerialGuess, size: tuple[int, int]) -> None:
    values, told = latents(size)
    counter = BitCounter()
    found = code_serially(counter, values, told, guess, CappedLaplace)
    torch.testing.assert_close(found, in_raster_order(guess, values, told), rtol=1e-5, atol=1e-5)
    scales, means = guess.everywhere(told, found)
    torch.testing.assert_close(counter.notes["symbols"], (values - means).round())
    torch.testing.assert_close(counter.notes["scales"], scales, rtol=1e-5, atol=1e-5)
    bits = CappedLaplace(scales).bits((values - means).round()).flatten(1).sum(1)
    torch.testing.assert_close(counter.total, bits, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("size", SIZES)
@torch.inference_mode()
def test_what_is_read_is_what_was_written_and_estimated(guess: SerialGuess, size: tuple[int, int]) -> None:
    values, told = latents(size)
    writer = BitWriter(NativeCoder())
    written = code_serially(writer, values, told, guess, CappedLaplace)
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    read = code_serially(reader, None, told, guess, CappedLaplace)
    reader.finish()
    assert torch.equal(read, written)
    assert torch.equal(code_serially(BitCounter(), values, told, guess, CappedLaplace), written)
    assert (read - values).abs().max() <= 0.5001


def test_there_are_fewer_steps_than_places(guess: SerialGuess) -> None:
    class Counting(BitCounter):
        steps = 0

        def code(self, *arguments: object, **options: object) -> Tensor:
            self.steps += 1
            return super().code(*arguments, **options)

    counter, (values, told) = Counting(), latents((8, 12))
    code_serially(counter, values, told, guess, CappedLaplace)
    assert counter.steps == 12 + 3 * 7


def test_a_latent_can_be_learned_through_all_places(guess: SerialGuess) -> None:
    values, told = latents((3, 4))
    values.requires_grad_()
    counter = BitCounter(training=True)
    decoded = code_serially(counter, values, told, guess, CappedLaplace)
    (counter.total.sum() + decoded.square().sum()).backward()
    assert values.grad is not None
    assert (values.grad != 0).all()
    assert all(one.grad is not None and one.grad.any() for one in guess.parameters())
