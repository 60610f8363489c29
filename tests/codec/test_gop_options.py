import pytest

from nvczoo.codec import AllIntra, Hierarchical, LowDelay
from nvczoo.codec.gop_options import all_options, build_gop, describe_gop, group_of, with_intra_period
from nvczoo.codec.header import GopDescription
from nvczoo.errors import CorruptStream, SettingError, UnsupportedStream
from nvczoo.interfaces import CodingStep, GopStructure


class Pairs(GopStructure):
    """A structure that is none of ours."""

    def __init__(self, gap: int = 2) -> None:
        self.gap = gap
        self.group = gap
        self.reach = gap

    def steps(self, first: int, count: int) -> tuple[CodingStep, ...]:
        return tuple(CodingStep((frame,)) for frame in range(first, first + count))

    def is_entry(self, frame: int) -> bool:
        return True


@pytest.mark.parametrize(
    "gop",
    [AllIntra(), LowDelay(7, 2, (0, 1), 3), Hierarchical(8, 16), LowDelay(-1)],
    ids=str,
)
def test_structures_come_back_from_their_description(gop: GopStructure) -> None:
    assert build_gop(describe_gop(gop), AllIntra()) == gop


def test_only_what_is_unusual_is_described() -> None:
    assert describe_gop(LowDelay(refresh=3)) == GopDescription("low-delay", (("refresh", 3),))


def test_what_is_usual_is_part_of_the_format() -> None:
    usual = {"intra_period": 32, "long_term": 4, "pattern": (0,), "refresh": 0, "intra_q": 0}
    assert all_options(GopDescription("low-delay")) == usual
    assert all_options(GopDescription("hierarchical", (("size", 8),))) == {"size": 8, "intra_period": 32}
    assert all_options(GopDescription("all-intra")) == all_options(GopDescription("of a plugin")) == {}


def test_a_structure_of_a_plugin_comes_back_to_a_codec_that_has_it() -> None:
    description = describe_gop(Pairs(5))
    assert description == GopDescription("pairs", (("gap", 5),))
    built = build_gop(description, Pairs())
    assert isinstance(built, Pairs)
    assert built.gap == 5
    with pytest.raises(UnsupportedStream, match="'pairs'; known are all-intra, low-delay, hierarchical"):
        build_gop(description, AllIntra())


@pytest.mark.parametrize(
    "description",
    [
        GopDescription("low-delay", (("intra_period", 0),)),
        GopDescription("low-delay", (("pattern", 3),)),
        GopDescription("low-delay", (("intra_period", (1, 2)),)),
        GopDescription("hierarchical", (("size", 1 << 40),)),
        GopDescription("hierarchical", (("size", 8), ("intra_period", 9))),
    ],
    ids=str,
)
def test_impossible_options_are_corrupt(description: GopDescription) -> None:
    with pytest.raises(CorruptStream, match="cannot be built"):
        build_gop(description, AllIntra())


def test_unknown_options_are_unsupported() -> None:
    with pytest.raises(UnsupportedStream, match="options that it does not have: colour"):
        build_gop(GopDescription("all-intra", (("colour", 1),)), AllIntra())


def test_structures_beyond_the_limits_are_unsupported() -> None:
    with pytest.raises(UnsupportedStream, match="groups of 65 frames"):
        build_gop(GopDescription("pairs", (("gap", 65),)), Pairs())


def test_the_intra_period_can_be_changed_alone() -> None:
    assert with_intra_period(LowDelay(32, 2), -1) == LowDelay(-1, 2)
    with pytest.raises(SettingError, match="'all-intra' has no intra period"):
        with_intra_period(AllIntra(), 4)


def test_frame_0_is_a_group_of_its_own_and_the_last_may_be_short() -> None:
    gop = Hierarchical(4, 4)
    cut = [(group_of(gop, frame).first, group_of(gop, frame).last) for frame in (0, 1, 4, 5, 8)]
    assert cut == [(0, 0), (1, 4), (1, 4), (5, 8), (5, 8)]
    assert group_of(gop, 5, 2).last == 6
    assert group_of(gop, 5, 2).horizon == 6
