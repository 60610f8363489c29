import pytest
from small_parts import OtherModel, SmallModel, SmallMotion

from nvczoo.errors import ComponentError, UnknownComponent
from nvczoo.overrides import Swap, full_path, overridden, swap_at

pytestmark = pytest.mark.usefixtures("small_parts")

PARTS = {
    "gop": {"name": "low-delay", "intra_period": 8, "long_term": 0},
    "rate_sampler": "small",
    "intra": {"name": "small", "entropy_model": {"name": "small", "channels": 4}},
    "inter": {
        "name": "small",
        "motion_estimator": {"name": "small", "width": 3, "gain": 2},
        "entropy_model": {"name": "small", "channels": 4, "context_channels": 2},
    },
}


def test_a_keyword_is_an_argument_of_the_inter_codec_or_a_place_at_the_top() -> None:
    assert full_path("motion_estimator", PARTS) == "inter.motion_estimator"
    assert full_path("rate_sampler", PARTS) == "rate_sampler"
    assert full_path("gop", PARTS) == "gop"


def test_without_an_inter_codec_a_keyword_is_an_argument_of_the_intra_codec() -> None:
    images_only = {name: value for name, value in PARTS.items() if name != "inter"}
    assert full_path("entropy_model", images_only) == "intra.entropy_model"


def test_an_unknown_keyword_tells_the_nearest_and_how_to_reach_others() -> None:
    with pytest.raises(
        UnknownComponent, match=r"Did you mean 'motion_estimator'\?.*'intra\.motion_estimate'"
    ):
        full_path("motion_estimate", PARTS)


@pytest.mark.parametrize("value", ["other", {"name": "other"}])
def test_options_the_new_part_knows_carry_over(value: object) -> None:
    changed = overridden(PARTS, "inter.motion_estimator", value)
    assert changed["inter"]["motion_estimator"] == {"name": "other", "width": 3}


def test_a_class_takes_options_over_too() -> None:
    changed = overridden(PARTS, "inter.entropy_model", OtherModel)
    assert changed["inter"]["entropy_model"] == {"name": OtherModel, "channels": 4}


def test_explicit_options_win() -> None:
    changed = overridden(PARTS, "inter.motion_estimator", {"name": "other", "width": 7, "kernel": 5})
    assert changed["inter"]["motion_estimator"] == {"name": "other", "width": 7, "kernel": 5}


def test_a_table_without_a_name_changes_options_only() -> None:
    changed = overridden(PARTS, "inter.motion_estimator", {"gain": 3})
    assert changed["inter"]["motion_estimator"] == {"name": "small", "width": 3, "gain": 3}


def test_an_object_stands_for_itself() -> None:
    part = SmallMotion()
    assert overridden(PARTS, "inter.motion_estimator", part)["inter"]["motion_estimator"] is part


def test_a_path_reaches_a_plain_option() -> None:
    assert overridden(PARTS, "gop.long_term", 4)["gop"] == PARTS["gop"] | {"long_term": 4}
    assert overridden(PARTS, "rate_sampler.anchors", 5)["rate_sampler"] == {"name": "small", "anchors": 5}


def test_the_card_is_not_changed_by_an_override() -> None:
    before = repr(PARTS)
    overridden(PARTS, "inter.motion_estimator", "other")
    assert repr(PARTS) == before


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("inner.motion_estimator", "other", "no place 'inner'. Did you mean 'inter'"),
        ("inter.motion", "other", "no part or option 'motion'.*motion_estimator"),
        ("inter.widths.first", 4, "plain option"),
        ("inter.base.motion_estimator", "other", "is not in the card"),
        (
            "inter.motion_estimator",
            {"width": SmallMotion, "name": "nothing"},
            "no motion_estimator 'nothing'",
        ),
        ("inter.base", {"widths": [1]}, "there is none to keep"),
        ("inter.motion_estimator", SmallModel, "is no motion_estimator"),
    ],
)
def test_what_cannot_be_overridden_is_told(path: str, value: object, message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        overridden(PARTS, path, value)


def test_a_part_inside_an_object_cannot_be_reached() -> None:
    parts = overridden(PARTS, "inter.motion_estimator", SmallMotion())
    with pytest.raises(ComponentError, match="is an object"):
        overridden(parts, "inter.motion_estimator.width", 4)


@pytest.mark.parametrize(
    ("path", "value", "new"),
    [
        ("inter.motion_estimator", "other", "other"),
        ("inter.motion_estimator", SmallMotion, None),  # the class behind the card's name
        ("inter.motion_estimator", "small", None),
        ("inter.motion_estimator", {"name": "small", "gain": 3}, None),
        ("inter.widths", [1, 2], None),
        ("gop", "all-intra", None),
    ],
)
def test_a_swap_is_another_class_where_weights_are(path: str, value: object, new: str | None) -> None:
    swap = swap_at(PARTS, overridden(PARTS, path, value), path)
    assert swap == (None if new is None else Swap(path, "small", new))


def test_an_object_is_always_a_swap() -> None:
    swap = swap_at(
        PARTS, overridden(PARTS, "inter.motion_estimator", SmallMotion()), "inter.motion_estimator"
    )
    assert swap is not None
    assert swap.new == "small_parts.SmallMotion"


def test_what_the_card_leaves_out_is_swapped_for_what_is_shared() -> None:
    swap = swap_at(PARTS, overridden(PARTS, "intra.rate_sampler", "small"), "intra.rate_sampler")
    assert swap == Swap("intra.rate_sampler", "what is shared", "small")
