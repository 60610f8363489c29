import pytest
import torch
from nvczoo.plugins.ev_nvc.compensation import PRECISION
from nvczoo.plugins.ev_nvc.motion_search import search
from nvczoo.plugins.ev_nvc.windows import Pair
from torch import Tensor

QUIET, LOUD = 1e-4, 3.0  # squared errors that are worth half a bit


def scene(height: int = 96, width: int = 128, seed: int = 2) -> Tensor:
    """Return a smooth pattern [1, 1, height, width] with detail in all directions."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 1, height // 4, width // 4, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def found(frame: Tensor, reference: Tensor, noise: float = QUIET) -> Tensor:
    still = torch.zeros(len(frame), 2, frame.shape[2] // 8, frame.shape[3] // 8)
    return search(Pair(frame, reference, torch.full((len(frame),), noise)), [still])


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, -1), (-17, 9), (40, -28)])
def test_a_shift_is_found_to_the_sample(right: int, down: int) -> None:
    large = scene(256, 288)
    reference = large[..., 64:192, 64:224]
    frame = large[..., 64 + down : 192 + down, 64 + right : 224 + right]
    field = found(frame, reference)
    assert torch.equal(field[0, 0, 5:-5, 5:-5], torch.full((6, 10), float(right)))
    assert torch.equal(field[0, 1, 5:-5, 5:-5], torch.full((6, 10), float(down)))


def test_parts_of_a_sample_are_found() -> None:
    """Means of two and of four samples are pictures half a sample further."""
    large = scene(128, 160)
    frame = (large[..., :-1, 1:] + large[..., :-1, :-1]) / 2  # half a sample to the right
    field = found(frame[..., :96, :128], large[..., :96, :128])
    error = (field[0, :, 3:-3, 3:-3] - torch.tensor([0.5, 0.0]).view(2, 1, 1)).abs()
    assert error.max() <= 1 / PRECISION


def test_what_moves_otherwise_has_a_sharp_border() -> None:
    still, moving = scene(seed=3), scene(seed=4)
    reference, frame = still.clone(), still.clone()
    reference[..., 32:64, 40:72] = moving[..., 32:64, 40:72]
    frame[..., 32:64, 48:80] = moving[..., 32:64, 40:72]  # eight samples to the right
    field = found(frame, reference)
    assert torch.equal(field[0, 0, 4:8, 6:10], torch.full((4, 4), -8.0))
    assert torch.equal(field[0, :, :, 11:], torch.zeros(2, 12, 5))


def test_where_nothing_is_seen_nothing_moves() -> None:
    flat = torch.full((1, 1, 64, 64), 0.5)
    assert torch.equal(found(flat, flat), torch.zeros(1, 2, 8, 8))


def test_where_bits_are_dear_neighbours_move_alike() -> None:
    generator = torch.Generator().manual_seed(4)
    reference, frame = (torch.rand(1, 1, 96, 128, generator=generator) for _ in range(2))  # no motion at all

    def unlike(noise: float) -> float:
        field = found(frame, reference, noise)
        return float((field[..., 1:] - field[..., :-1]).abs().sum())

    assert unlike(LOUD) < 0.1 * unlike(QUIET)


def test_a_guess_is_taken_where_nothing_else_would_find_it() -> None:
    large = scene(96, 512)
    reference, frame = large[..., :128], large[..., 112:240]  # farther than the search reaches
    guess = torch.zeros(1, 2, 12, 16)
    guess[:, 0] = 112.0
    noise = torch.full((1,), QUIET)
    field = search(Pair(frame, reference, noise), [guess])
    assert torch.equal(field[0, 0, 2:-2, 0], torch.full((8,), 112.0))


def test_each_clip_of_a_batch_is_searched_for_itself() -> None:
    references = torch.cat([scene(seed=seed) for seed in (1, 2)])
    frames = torch.cat((references[:1].roll(3, 3), references[1:].roll(-2, 2)))
    noise = torch.tensor([QUIET, LOUD])
    still = torch.zeros(2, 2, 12, 16)
    together = search(Pair(frames, references, noise), [still])
    for number in range(2):
        one = slice(number, number + 1)
        alone = search(Pair(frames[one], references[one], noise[one]), [still[one]])
        assert torch.equal(together[one], alone)


@pytest.mark.parametrize("size", [(16, 16), (16, 48), (80, 16)])
def test_small_pictures_have_fields_too(size: tuple[int, int]) -> None:
    picture = scene(*size)
    assert torch.equal(found(picture, picture), torch.zeros(1, 2, size[0] // 8, size[1] // 8))
