import pytest
import torch
from nvczoo.plugins.ev_nvc.motion_field import MotionField
from nvczoo.plugins.ev_nvc.motion_relaxation import Known, Priced, relax
from nvczoo.plugins.ev_nvc.windows import Pair, Windows
from nvczoo.plugins.priors.factorized import Factorized
from nvczoo.plugins.priors.field import FieldPrior
from torch import Tensor

QUIET, LOUD = 1e-4, 3.0  # squared errors that are worth half a bit


def unlike_those_before(fields: Tensor, before: Tensor | None, known: Known | None = None) -> Tensor:
    """Price elements by how far they are from the one to the left: five bits, and more for more."""
    del before, known
    steps = torch.nn.functional.pad(fields, (1, 0, 0, 0))[..., :-1] - fields
    return (5.0 * (steps != 0) + 8 * steps.abs()).sum(1, keepdim=True)


def noise(seed: int, size: tuple[int, int] = (96, 128), count: int = 1) -> Tensor:
    return torch.rand(count, 1, *size, generator=torch.Generator().manual_seed(seed))


def total(field: Tensor, pair: Pair, price=unlike_those_before) -> Tensor:
    """Return bits of each clip, [B]."""
    return (Windows(pair, 1, 8).bits(field[None])[0] + price(field, None)).sum((1, 2, 3))


def random_field(seed: int, count: int = 1, size: tuple[int, int] = (12, 16)) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-20, 20, (count, 2, *size), generator=generator) / 8


def test_where_nothing_is_gained_by_motion_it_goes() -> None:
    pair = Pair(noise(1), noise(2), torch.tensor([LOUD]))
    field = relax(random_field(0), pair, unlike_those_before, None)
    assert (field[..., 1:] == field[..., :-1]).float().mean() > 0.9
    assert total(field, pair) < 0.3 * total(random_field(0), pair)


def test_motion_that_is_worth_its_bits_stays() -> None:
    reference = noise(1)
    frame = reference.roll(4, 3)  # four samples to the right
    field = torch.zeros(1, 2, 12, 16)
    field[:, 0] = -4.0
    pair = Pair(frame, reference, torch.tensor([QUIET]))
    assert torch.equal(relax(field, pair, unlike_those_before, None), field)


def test_a_wrong_block_takes_what_its_neighbours_have() -> None:
    reference = noise(1)
    wanted = torch.zeros(1, 2, 12, 16)
    wanted[:, 0] = -4.0
    field = wanted.clone()
    field[..., 5, 7] = 3.0
    pair = Pair(reference.roll(4, 3), reference, torch.tensor([QUIET]))
    assert torch.equal(relax(field, pair, unlike_those_before, None), wanted)


def test_what_the_frame_before_had_is_tried() -> None:
    reference = noise(1)
    before = torch.zeros(1, 2, 12, 16)
    before[:, 0] = -4.0
    pair = Pair(reference.roll(4, 3), reference, torch.tensor([QUIET]))
    field = relax(torch.zeros_like(before), pair, unlike_those_before, before)
    assert (field == before).float().mean() > 0.9


def test_what_changes_in_some_windows_is_what_changes_in_all() -> None:
    """Rows and columns of some blocks, and of these some that are asked for."""
    pair = Pair(noise(1, count=2), noise(2, count=2), torch.tensor([QUIET, LOUD]))
    rows, columns = torch.tensor([1, 4, 5]), torch.tensor([0, 2, 3, 9])
    fields = torch.stack([random_field(seed, 2) for seed in range(3)])
    everywhere = Windows(pair, 1, 8).bits(fields)[..., rows[:, None], columns]
    some = Windows(pair, 1, 8, rows, columns)
    fields = fields[..., rows[:, None], columns]
    torch.testing.assert_close(some.bits(fields), everywhere)
    asked = torch.rand(3, 2, 1, 3, 4, generator=torch.Generator().manual_seed(0)) < 0.5
    otherwise = torch.full((2, 1, 3, 4), -1.0)
    torch.testing.assert_close(
        some.bits_where(asked, fields, otherwise), torch.where(asked, everywhere, -1.0)
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (6, 1), (7, 9), (17, 12)])
def test_no_size_takes_more_bits_than_before(size: tuple[int, int]) -> None:
    samples = (8 * size[0], 8 * size[1])
    pair = Pair(noise(3, samples), noise(4, samples), torch.tensor([QUIET]))
    field = random_field(1, size=size)
    relaxed = relax(field, pair, unlike_those_before, None)
    assert relaxed.shape == field.shape
    assert total(relaxed, pair) <= total(field, pair)
    assert torch.equal(relaxed * 8, (relaxed * 8).round())


def test_each_clip_of_a_batch_is_relaxed_for_itself() -> None:
    frames, references = noise(5, count=2), noise(6, count=2)
    pair = Pair(frames, references, torch.tensor([QUIET, LOUD]))
    fields = random_field(2, count=2)
    together = relax(fields, pair, unlike_those_before, None)
    for number in range(2):
        one = slice(number, number + 1)
        alone = relax(
            fields[one], Pair(frames[one], references[one], pair.noise[one]), unlike_those_before, None
        )
        assert total(together[one], Pair(frames[one], references[one], pair.noise[one])) == pytest.approx(
            float(total(alone, Pair(frames[one], references[one], pair.noise[one]))), rel=0.02
        )


def test_any_entropy_model_may_code_a_field() -> None:
    """One that cannot tell prices gets the field of the search."""
    assert isinstance(FieldPrior(2, 2), Priced)
    model = Factorized(2, 2)
    assert not isinstance(model, Priced)
    reference = noise(1)
    pair = Pair(reference.roll(4, 3), reference, torch.tensor([QUIET]))
    field = MotionField(model).find(torch.zeros(1, 2, 48, 64), pair, None, torch.tensor([30.0]))
    assert torch.equal(field[:, 0, 2:-2, 2:-2], torch.full((1, 8, 12), -4.0))
