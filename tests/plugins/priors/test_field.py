import pytest
import torch
from nvczoo.plugins.priors.field import FieldPrior

from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter


def cliffs(count: int, seed: int = 0) -> torch.Tensor:
    """Return fields [count, 2, 16, 16] that are flat, with a rectangle of another value in each."""
    generator = torch.Generator().manual_seed(seed)
    fields = torch.zeros(count, 2, 16, 16)
    for field in fields:
        field += torch.randint(-20, 20, (2, 1, 1), generator=generator)
        down, right = torch.randint(0, 10, (2,), generator=generator).tolist()
        field[:, down : down + 6, right : right + 6] += torch.randint(-40, 40, (2, 1, 1), generator=generator)
    return fields


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 7), (16, 9), (33, 40)])
@pytest.mark.parametrize("follows", [False, True])
@torch.inference_mode()
def test_whole_numbers_come_back_as_they_are(size: tuple[int, int], follows: bool) -> None:
    torch.manual_seed(0)
    model = FieldPrior(2, 2).eval()
    field = (torch.randn(1, 2, *size) * 20).round()
    before = (torch.randn(1, 2, *size) * 20).round() if follows else None
    writer = BitWriter(NativeCoder())
    assert torch.equal(model.code(writer, field, size, before, torch.tensor([9.0])), field)
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    assert torch.equal(model.code(reader, None, size, before, torch.tensor([9.0])), field)
    reader.finish()


def trained(steps: int = 200) -> FieldPrior:
    torch.manual_seed(0)
    model = FieldPrior(2, 2)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for step in range(steps):
        counter = BitCounter(training=True)
        fields = cliffs(16, seed=step)
        before = fields if step % 2 else None
        model.code(counter, fields, (16, 16), before)
        optimizer.zero_grad()
        counter.total.mean().backward()
        optimizer.step()
    return model


def test_flat_fields_with_cliffs_cost_what_their_borders_cost() -> None:
    """And next to nothing where they are what they were."""
    model, fields = trained(), cliffs(16, seed=1000)
    bits = []
    for before in (None, fields):
        counter = BitCounter()
        with torch.no_grad():
            model.code(counter, fields, (16, 16), before)
        bits.append(float(counter.total.mean()) / 256)
    assert bits[0] < 2.0  # per element, of two numbers
    assert bits[1] < 0.2 * bits[0]


def test_noise_of_training_does_not_change_what_whole_numbers_cost() -> None:
    torch.manual_seed(0)
    model, totals = FieldPrior(2, 0), []
    for training in (False, True):
        counter = BitCounter(training)
        with torch.no_grad():
            model.code(counter, cliffs(2), (16, 16))
        totals.append(counter.total)
    assert torch.equal(*totals)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 7), (16, 9), (33, 40)])
@pytest.mark.parametrize(("context_channels", "follows"), [(0, False), (2, False), (2, True)])
@torch.inference_mode()
def test_prices_of_elements_are_what_coding_them_takes(
    size: tuple[int, int], context_channels: int, follows: bool
) -> None:
    """All at once or pass by pass: an encoder chooses by what the decoder will be told."""
    model = FieldPrior(2, context_channels).eval()
    fields = (torch.randn(3, 2, *size) * 4).round()
    before = (torch.randn(3, 2, *size) * 4).round() if follows else None
    q = torch.tensor([0.0, 20.0, 63.0])
    counter = BitCounter()
    model.code(counter, fields, size, before, q)
    prices = model.price(fields, before, q)
    assert prices.shape == (3, 1, *size)
    torch.testing.assert_close(prices.sum((1, 2, 3)), counter.total)
    others = torch.where(torch.rand(3, 1, *size) < 0.1, fields + 1, fields)
    known = (fields, prices)
    torch.testing.assert_close(model.price(others, before, q, known), model.price(others, before, q))


def test_an_element_is_priced_where_it_is() -> None:
    """One that differs from all others is dear, and makes those near it dearer, not those far off."""
    model = trained()
    fields = torch.zeros(1, 2, 64, 64)
    fields[..., 37, 21] = 30.0
    prices = model.price(fields, None, None) - model.price(torch.zeros_like(fields), None, None)
    assert prices.argmax() == 37 * 64 + 21
    assert prices[..., :24, :].abs().max() < 1e-3
    assert prices[..., 48:].abs().max() < 1e-3
