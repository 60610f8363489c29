"""Every structure, over many lengths: each frame once, references decoded before, nothing past the reach."""

import pytest
import torch

from nvczoo.codec.gop import FIRST_ONLY, MAX_GROUP, MAX_REACH, AllIntra, Hierarchical, LowDelay
from nvczoo.codec.gop_options import group_of
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.errors import SettingError
from nvczoo.interfaces import CodingStep, GopStructure, Reference

STRUCTURES = (
    AllIntra(),
    LowDelay(),
    LowDelay(intra_period=-1, long_term=0),
    LowDelay(intra_period=7, long_term=4, pattern=(0, 1, 0, 2), refresh=3),
    LowDelay(intra_period=1),
    Hierarchical(),
    Hierarchical(size=8, intra_period=16),
    Hierarchical(size=5, intra_period=-1),
    Hierarchical(size=1, intra_period=4),
    Hierarchical(size=64, intra_period=64),
)
LENGTHS = range(1, 71)
NOTHING = torch.zeros(1)


def groups(gop: GopStructure, length: int) -> list[tuple[int, int]]:
    """Return (first, count) of the groups a video of ``length`` frames is cut into."""
    cuts = [(0, 1)]
    cuts += [(first, min(gop.group, length - first)) for first in range(1, length, gop.group)]
    return cuts


def every_step(gop: GopStructure, length: int) -> list[CodingStep]:
    return [step for first, count in groups(gop, length) for step in gop.steps(first, count)]


@pytest.mark.parametrize("gop", STRUCTURES, ids=str)
def test_every_frame_is_coded_exactly_once(gop: GopStructure) -> None:
    for length in LENGTHS:
        frames = [frame for step in every_step(gop, length) for frame in step.frames]
        assert sorted(frames) == list(range(length))


@pytest.mark.parametrize("gop", STRUCTURES, ids=str)
def test_references_are_decoded_before_they_are_named(gop: GopStructure) -> None:
    decoded: set[int] = set()
    for step in every_step(gop, LENGTHS[-1]):
        assert decoded.issuperset(step.references)
        decoded.update(step.frames)


@pytest.mark.parametrize("gop", STRUCTURES, ids=str)
def test_a_step_names_none_or_all_of_its_references_nearest_first(gop: GopStructure) -> None:
    for length in LENGTHS:
        for step in every_step(gop, length):
            assert len(step.references) in (0, gop.references_per_step)
            distances = [abs(reference - step.frames[0]) for reference in step.references]
            assert distances == sorted(distances)


@pytest.mark.parametrize("gop", STRUCTURES, ids=str)
def test_no_group_refers_further_back_than_the_reach(gop: GopStructure) -> None:
    for length in LENGTHS:
        for first, count in groups(gop, length):
            named = [frame for step in gop.steps(first, count) for frame in step.references]
            assert all(frame >= first - gop.reach for frame in named)


@pytest.mark.parametrize("gop", STRUCTURES, ids=str)
def test_from_an_entry_on_nothing_before_it_is_needed(gop: GopStructure) -> None:
    steps = every_step(gop, LENGTHS[-1])
    entries = [frame for frame in LENGTHS[:-1] if gop.is_entry(frame)]
    assert gop.is_entry(0)
    for entry in entries:
        at = next(index for index, step in enumerate(steps) if entry in step.frames)
        assert steps[at].references == ()
        later = [step for step in steps[at + 1 :] if min(step.frames) > entry]
        assert all(reference >= entry for step in later for reference in step.references)


def test_low_delay_names_the_frame_before_and_the_fourth_before_or_the_last_intra() -> None:
    gop = LowDelay(intra_period=32, long_term=4)
    assert gop.steps(0, 1) == (CodingStep((0,)),)
    assert [gop.steps(frame, 1)[0].references for frame in (1, 2, 4, 5, 31, 33)] == [
        (0, 0),
        (1, 0),
        (3, 0),
        (4, 1),
        (30, 27),
        (32, 32),
    ]
    assert gop.steps(32, 1)[0].references == ()
    assert (gop.reach, gop.references_per_step) == (4, 2)


def test_low_delay_repeats_its_pattern_and_refreshes_after_the_intra_frame() -> None:
    gop = LowDelay(intra_period=8, long_term=0, pattern=(0, 1, 0, 2), refresh=3)
    steps = [gop.steps(frame, 1)[0] for frame in range(10)]
    assert [step.level for step in steps] == [0, 1, 0, 2, 0, 1, 0, 2, 0, 1]
    assert [step.frames[0] for step in steps if step.reset] == [4, 7]


def test_intra_frames_may_be_coded_better_than_what_follows_unless_they_are_all() -> None:
    q = torch.tensor([10.0, 60.0])
    first, second, *_, last = LowDelay(intra_period=4, intra_q=6).steps(0, 5)
    assert [step.quality(q).tolist() for step in (first, second, last)] == [[16, 63], [10, 60], [16, 63]]
    assert LowDelay(intra_period=1, intra_q=6).steps(0, 1)[0].quality(q).tolist() == [10, 60]


def test_low_delay_without_a_refresh_never_resets() -> None:
    assert not any(step.reset for step in every_step(LowDelay(intra_period=-1), 70))


def test_hierarchical_bisects_and_its_levels_are_the_depth() -> None:
    steps = Hierarchical(size=8, intra_period=8).steps(1, 8)
    assert [step.frames[0] for step in steps] == [8, 4, 2, 1, 3, 6, 5, 7]
    assert [step.level for step in steps] == [0, 1, 2, 3, 3, 2, 3, 3]
    assert steps[0].references == ()
    assert steps[1].references == (0, 8)
    assert steps[3].references in ((0, 2), (2, 0))


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("size", range(1, MAX_GROUP + 1))
def test_groups_of_any_size_code_clips_of_any_length(size: int, closed: bool) -> None:
    gop = Hierarchical(size, size if closed else FIRST_ONLY)
    for length in LENGTHS:
        coded: list[int] = []
        for step in every_step(gop, length):
            assert len(step.references) in (0, 2)
            assert set(step.references) <= set(coded)
            coded += step.frames
        assert sorted(coded) == list(range(length))
        waits = [max(coded[: at + 1]) - frame for at, frame in enumerate(coded)]
        assert max(waits) == max(min(size, length - 1) - 1, 0)


@pytest.mark.parametrize("size", range(1, MAX_GROUP + 1))
def test_the_references_kept_are_two_and_one_per_level(size: int) -> None:
    gop, buffer, most = Hierarchical(size, FIRST_ONLY), ReferenceBuffer(), 0
    first = 0
    while first < 2 * MAX_GROUP:
        group = group_of(gop, first)
        for at, step in enumerate(group.steps):
            assert buffer.holds(step)
            buffer.add(step, Reference(NOTHING))
            buffer.release(group.steps[at + 1 :], group.horizon)
            most = max(most, len(buffer))
        assert len(buffer) == 1  # the last frame of the group
        first = group.last + 1
    assert most <= max(size - 1, 0).bit_length() + 2


def test_a_step_tells_how_far_its_references_are_and_on_which_side() -> None:
    anchor, middle, *_ = Hierarchical(size=8, intra_period=16).steps(1, 8)
    assert anchor.distances == (-8, -8)
    assert middle.distances == (-4, 4)
    assert CodingStep((0,)).distances == ()


def test_hierarchical_codes_the_last_frame_of_a_short_group_from_the_group_before() -> None:
    steps = Hierarchical(size=8, intra_period=8).steps(9, 3)
    assert steps[0] == CodingStep((11,), (8, 8))


@pytest.mark.parametrize(
    "options",
    [
        {"intra_period": 0},
        {"intra_period": -2},
        {"long_term": -1},
        {"long_term": MAX_REACH + 1},
        {"pattern": ()},
        {"refresh": -1},
        {"intra_q": -1},
        {"intra_q": 64},
    ],
)
def test_low_delay_rejects_options_out_of_range(options: dict[str, int]) -> None:
    with pytest.raises(SettingError):
        LowDelay(**options)


@pytest.mark.parametrize("size", [0, MAX_GROUP + 1])
def test_hierarchical_rejects_sizes_out_of_range(size: int) -> None:
    with pytest.raises(SettingError, match="size"):
        Hierarchical(size=size, intra_period=-1)


def test_hierarchical_rejects_an_intra_period_that_falls_inside_a_group() -> None:
    with pytest.raises(SettingError, match="multiple"):
        Hierarchical(size=8, intra_period=12)
