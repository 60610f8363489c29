import pytest
import torch
from nvczoo.plugins.ev_nvc import propagation
from nvczoo.plugins.ev_nvc.propagation import FIRST_WORTH, LONGEST, Propagation, _sent_back
from torch import Tensor

import nvczoo
from nvczoo.interfaces import Plan, RateSampler

FRAMES, SIDE = 6, 64
Q = torch.tensor([20.0])


def texture(seed: int, width: int = SIDE) -> Tensor:
    """Return a picture in the layout yuv444, [1, 3, SIDE, width], that takes bits everywhere."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, SIDE // 4, width // 4, generator=generator)
    return torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bilinear")


@pytest.fixture(autouse=True)
def _fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose from all whole offsets, so that more can be told of them."""
    monkeypatch.setattr(propagation, "Q_STEP", 1)


@pytest.fixture(scope="module")
def rates() -> RateSampler:
    sampler = nvczoo.create("ev-nvc-s").rate_sampler
    assert sampler is not None
    return sampler


def planned(rates: RateSampler, *frames: Tensor, goes_on: bool = False) -> tuple[Plan, ...]:
    planner = Propagation("yuv444", rates)
    for frame in frames:
        planner.look(frame)
    return planner.plans(Q.repeat(len(frames[0])), goes_on)


def offsets(plans: tuple[Plan, ...]) -> list[float]:
    return [float(plan.q_offset) for plan in plans]


def more(rates: RateSampler, q: float) -> float:
    """Return how much more a distortion costs so much above Q."""
    return float(rates.lagrangian(Q + q) / rates.lagrangian(Q))


def test_the_first_of_equal_frames_counts_for_all_of_them(rates: RateSampler) -> None:
    still = planned(rates, *[texture(0)] * FRAMES)
    assert more(rates, offsets(still)[0]) == pytest.approx(FIRST_WORTH * FRAMES, rel=0.1)
    assert offsets(still)[1] == 0  # the first P frame has the q of the video
    assert offsets(still)[1:] == sorted(offsets(still)[1:], reverse=True)
    assert more(rates, offsets(still)[-1]) == pytest.approx(1 / (FRAMES - 1), rel=0.1)  # nothing follows
    for plan in still:
        assert plan.worth == pytest.approx(torch.ones_like(plan.worth), abs=1e-3)


def test_frames_that_have_nothing_in_common_count_for_themselves(rates: RateSampler) -> None:
    plans = planned(rates, *[texture(number) for number in range(FRAMES)])
    assert more(rates, offsets(plans)[0]) == pytest.approx(FIRST_WORTH, rel=0.2)
    assert max(map(abs, offsets(plans)[1:])) <= 2


def test_a_part_that_stays_is_worth_more_than_one_that_does_not(rates: RateSampler) -> None:
    still = texture(0, SIDE // 2)
    frames = [torch.cat((still, texture(1 + number, SIDE // 2)), 3) for number in range(FRAMES)]
    worth = planned(rates, *frames)[0].worth
    left, right = worth[..., :3].mean(), worth[..., 5:].mean()
    assert left > 3 * right
    assert worth.shape == (1, 1, SIDE // 8, SIDE // 8)


def test_frames_before_a_cut_are_not_worth_what_comes_after_it(rates: RateSampler) -> None:
    cut = planned(rates, *[texture(0)] * 3, *[texture(1)] * 3)
    assert more(rates, offsets(cut)[0]) == pytest.approx(3 * FIRST_WORTH, rel=0.2)
    assert offsets(cut)[3] > 0 > offsets(cut)[2]


def test_worth_goes_to_where_a_block_comes_from() -> None:
    value, field = torch.zeros(1, 1, 4, 5), torch.zeros(1, 2, 4, 5)
    value[0, 0, 2, 3] = 1
    field[0, :, 2, 3] = torch.tensor([-16.0, 4.0])  # two blocks to the left, half a one down
    found = _sent_back(value, field)
    assert found[0, 0, 2, 1] == found[0, 0, 3, 1] == 0.5
    assert found.sum() == 1


def test_nothing_is_lost_at_the_border() -> None:
    generator = torch.Generator().manual_seed(0)
    value = torch.rand(2, 1, 4, 5, generator=generator)
    field = 40 * torch.randn(2, 2, 4, 5, generator=generator)
    assert _sent_back(value, field).sum((1, 2, 3)) == pytest.approx(value.sum((1, 2, 3)))


def test_where_a_video_goes_on_its_last_frame_is_taken_to_last(rates: RateSampler) -> None:
    frames = [texture(0)] * 3
    ending, going = planned(rates, *frames), planned(rates, *frames, goes_on=True)
    assert offsets(going)[2] > offsets(ending)[2]
    assert more(rates, offsets(going)[0]) == pytest.approx(FIRST_WORTH * (LONGEST + 2), rel=0.1)


def test_a_run_in_pieces_keeps_its_usual_q(rates: RateSampler) -> None:
    planner = Propagation("yuv444", rates)
    for _ in range(3):
        planner.look(texture(0))
    first = planner.plans(Q, goes_on=True)
    for _ in range(3):
        planner.look(texture(0))
    second = planner.plans(Q, goes_on=True)
    assert max(map(abs, offsets(first)[1:] + offsets(second))) <= 1
    planner.look(texture(0))
    planner.plans(Q, goes_on=False)
    planner.look(texture(0))  # a new run: nothing is before it
    assert offsets(planner.plans(Q, goes_on=False)) == [0]


def test_a_frame_alone_has_the_q_of_the_video(rates: RateSampler) -> None:
    (alone,) = planned(rates, texture(0))
    assert (offsets((alone,)), float(alone.worth.min()), float(alone.worth.max())) == ([0], 1, 1)


def test_a_video_of_one_colour_has_plans(rates: RateSampler) -> None:
    plans = planned(rates, *[torch.full((1, 3, SIDE, SIDE), 0.5)] * 3)
    assert all(torch.isfinite(plan.worth).all() for plan in plans)
    assert offsets(plans)[1] == 0


def test_a_batch_is_planned_clip_by_clip(rates: RateSampler) -> None:
    clips = [[texture(10 * clip + number * clip) for number in range(3)] for clip in range(2)]
    together = planned(rates, *[torch.cat(frames) for frames in zip(*clips, strict=True)])
    for clip, frames in enumerate(clips):
        for both, own in zip(together, planned(rates, *frames), strict=True):
            assert both.q_offset[clip] == own.q_offset[0]
            assert both.worth[clip] == pytest.approx(own.worth[0], rel=1e-3)


def test_one_fixed_rate_has_no_other_q() -> None:
    class Fixed:
        def lagrangian(self, q: Tensor) -> Tensor:
            return torch.full_like(q, 0.01)

    planner = Propagation("yuv444", Fixed())  # pyright: ignore[reportArgumentType]
    for _ in range(3):
        planner.look(texture(0))
    assert offsets(planner.plans(Q, goes_on=False)) == [0, 0, 0]


def test_offsets_are_whole_and_the_least_that_do_as_well(
    rates: RateSampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(propagation, "Q_STEP", 3)
    planner = Propagation("yuv444", rates)
    for _ in range(FRAMES):
        planner.look(texture(0))
    plans = planner.plans(torch.tensor([62.0]), goes_on=False)
    assert offsets(plans)[0] == 3  # there is no more than 63
    assert all(one % 3 == 0 for one in offsets(plans))
