import pytest
import torch
from small_parts import SmallInter, SmallIntra, SmallModel, SmallMotion, SmallRate
from torch import nn

from nvczoo import components
from nvczoo.assemble import build, build_all
from nvczoo.errors import ComponentError, NvczooError, UnknownComponent
from nvczoo.interfaces import EntropyModel, MotionEstimator

pytestmark = pytest.mark.usefixtures("small_parts")

INTER = {
    "name": "small",
    "motion_estimator": {"name": "small", "width": 3},
    "entropy_model": {"name": "small", "channels": 4},
}
INTRA = {"name": "small", "entropy_model": {"name": "small", "channels": 4}}
KINDS = {"rate_sampler": "rate_sampler", "intra": "intra_codec", "inter": "inter_codec"}


@pytest.mark.parametrize("value", ["small", {"name": "small"}, {"name": SmallMotion}, SmallMotion])
def test_a_part_is_given_by_name_table_or_class(value: object) -> None:
    assert type(build("motion_estimator", value)) is SmallMotion


def test_an_object_is_used_as_it_is() -> None:
    part = SmallMotion()
    assert build("motion_estimator", part) is part


def test_options_reach_the_constructor() -> None:
    part = build("motion_estimator", {"name": "small", "width": 5, "gain": 2})
    assert (part.width, part.gain) == (5, 2.0)
    assert isinstance(part.gain, float)


def test_nested_parts_are_built_from_nested_tables() -> None:
    codec = build("inter_codec", INTER, {"rate_sampler": SmallRate()})
    assert isinstance(codec.motion_estimator, SmallMotion)
    assert codec.motion_estimator.width == 3
    assert codec.inner["model"].channels == 4


def test_lists_become_tuples_where_the_constructor_wants_them() -> None:
    codec = build("inter_codec", INTER | {"widths": [6, 7]}, {"rate_sampler": SmallRate()})
    assert codec.widths == (6, 7)


def test_a_part_left_out_is_the_very_same_object_as_that_of_the_level_above() -> None:
    built = build_all({"rate_sampler": "small", "intra": INTRA, "inter": INTER}, KINDS)
    assert built["intra"].rate_sampler is built["inter"].rate_sampler is built["rate_sampler"]


def test_a_part_left_out_is_found_two_levels_above() -> None:
    model = {"name": "other", "channels": 4}
    built = build_all(
        {"rate_sampler": "small", "intra": INTRA, "inter": INTER | {"entropy_model": model}}, KINDS
    )
    assert built["inter.entropy_model"].rate_sampler is built["rate_sampler"]


def test_a_part_that_is_set_is_not_shared() -> None:
    inter = INTER | {"rate_sampler": {"name": "small", "anchors": 4}}
    built = build_all({"rate_sampler": "small", "intra": INTRA, "inter": inter}, KINDS)
    assert built["inter"].rate_sampler is built["inter.rate_sampler"]
    assert (built["rate_sampler"].anchors, built["inter"].rate_sampler.anchors) == (2, 4)


def test_a_part_may_come_after_those_that_share_it() -> None:
    built = build_all({"inter": INTER, "intra": INTRA, "rate_sampler": "small"}, KINDS)
    assert built["inter"].rate_sampler is built["rate_sampler"]


def test_an_optional_part_left_out_everywhere_is_none() -> None:
    assert build("inter_codec", INTER, {"rate_sampler": SmallRate()}).base is None


def test_an_optional_part_can_be_said_to_be_none() -> None:
    inherited = {
        "rate_sampler": SmallRate(),
        "base": build("inter_codec", INTER, {"rate_sampler": SmallRate()}),
    }
    assert build("inter_codec", INTER, inherited).base is inherited["base"]
    assert build("inter_codec", INTER | {"base": None}, inherited).base is None


def test_a_codec_may_be_a_part_of_a_codec() -> None:
    codec = build("inter_codec", INTER | {"base": dict(INTER)}, {"rate_sampler": SmallRate()})
    assert isinstance(codec.base, SmallInter)
    assert codec.base.base is None
    assert codec.base.rate_sampler is codec.rate_sampler


def test_a_part_left_out_of_a_nested_codec_is_that_of_the_outer_one() -> None:
    codec = build("inter_codec", INTER | {"base": {"name": "small"}}, {"rate_sampler": SmallRate()})
    assert codec.base.motion_estimator is codec.motion_estimator


def test_a_part_is_not_handed_to_itself() -> None:
    class Wrapper(MotionEstimator):
        def __init__(self, motion_estimator: MotionEstimator) -> None:
            super().__init__()
            self.motion_estimator = motion_estimator

        def forward(self, frame: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
            return self.motion_estimator(frame, reference)

    outer = SmallMotion()
    values = {"motion_estimator": Wrapper}
    with pytest.raises(ComponentError, match="no level above has one"):
        build_all(values, {"motion_estimator": "motion_estimator"})
    assert build("motion_estimator", Wrapper, {"motion_estimator": outer}).motion_estimator is outer


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"name": "small", "widht": 3}, r"no option 'widht'\. Did you mean 'width'\? Known: width, gain"),
        ({"name": "small", "width": "3"}, "width is '3'; it must be an integer"),
        ({"name": "small", "width": True}, "width is True; it must be an integer"),
        ({"name": "small", "width": -1}, "cannot be built with"),
        ({"width": 3}, "does not say its 'name'. Known: .*small"),
        ({"name": "smal"}, "Did you mean 'small'"),
        (SmallRate, "is no motion_estimator: give one of"),
        (SmallRate(), "is no motion_estimator"),
        (None, "None is no motion_estimator"),
        (3, "3 is no motion_estimator"),
        ({"name": 3}, "3.* is no motion_estimator"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(value: object, message: str) -> None:
    with pytest.raises(NvczooError, match=message):
        build("motion_estimator", value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entropy_model": {"name": "small"}}, r"inter_codec\.entropy_model: .*needs the option 'channels'"),
        ({"widths": 4}, "widths is 4; it must be a list"),
        ({"widths": [4, "8"]}, "widths is '8'; it must be an integer"),
        ({"motion_estimator": "spinet"}, "no motion_estimator 'spinet'"),
        ({"motion_estimator": None}, "needs the motion_estimator"),
    ],
)
def test_errors_in_nested_parts_say_where(change: dict, message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        build("inter_codec", INTER | change, {"rate_sampler": SmallRate()})


def test_a_shared_part_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(ComponentError, match="wants a rate_sampler as 'rate_sampler'"):
        build("intra_codec", INTRA, {"rate_sampler": SmallMotion()})


def test_a_missing_part_is_named_with_its_kind() -> None:
    with pytest.raises(ComponentError, match="needs the rate_sampler 'rate_sampler', and no level above"):
        build("intra_codec", INTRA)


def test_an_error_of_the_tree_passes_through_a_constructor(monkeypatch: pytest.MonkeyPatch) -> None:
    class Picky(SmallMotion):
        def __init__(self) -> None:
            raise UnknownComponent("as it was raised")

    components.register("motion_estimator", "picky", Picky)
    with pytest.raises(UnknownComponent, match="as it was raised"):
        build("motion_estimator", "picky")


def test_subclasses_and_optional_interfaces_are_parts() -> None:
    class Optional(SmallIntra):
        def __init__(self, rate_sampler: SmallRate, entropy_model: "EntropyModel | None" = None) -> None:
            nn.Module.__init__(self)
            self.rate_sampler, self.entropy_model = rate_sampler, entropy_model

    rate = SmallRate()
    codec = build(
        "intra_codec", {"name": Optional, "rate_sampler": rate, "entropy_model": INTRA["entropy_model"]}
    )
    assert isinstance(codec.entropy_model, SmallModel)
    assert codec.rate_sampler is rate
