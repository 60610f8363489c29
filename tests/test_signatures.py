from typing import Any, Literal

import pytest

from nvczoo.errors import BrokenComponent, ComponentError
from nvczoo.interfaces import GopStructure, MotionEstimator
from nvczoo.signatures import arguments, fitted


class Unreadable:
    def __init__(self, part: "NoSuchName") -> None:  # noqa: F821
        pass


class Readable:
    def __init__(
        self, part: MotionEstimator, other: "GopStructure | None" = None, *, size: int = 3, **more: int
    ):
        pass


class Without:
    pass


def test_interfaces_are_parts_and_all_else_are_options() -> None:
    found = arguments(Readable)
    assert {name: one.kind for name, one in found.items()} == {
        "part": "motion_estimator",
        "other": "gop_structure",
        "size": None,
    }
    assert [name for name, one in found.items() if one.required] == ["part"]


def test_a_class_without_a_constructor_takes_nothing() -> None:
    assert not arguments(Without)


def test_annotations_that_cannot_be_read_are_told() -> None:
    with pytest.raises(BrokenComponent, match=r"Unreadable cannot be read: NameError.*NoSuchName"):
        arguments(Unreadable)


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ([1, 2], tuple[int, ...], (1, 2)),
        ([[1], [2, 3]], tuple[tuple[int, ...], ...], ((1,), (2, 3))),
        ([1, 2.5], tuple[int, float], (1, 2.5)),
        ([1], tuple, (1,)),
        (1, float, 1.0),
        ([1], tuple[int, ...] | None, (1,)),
        (None, tuple[int, ...] | None, None),
        ("rgb", Literal["rgb", "yuv444"], "rgb"),
        ({"a": 1}, Any, {"a": 1}),
        ([1], list, [1]),
    ],
)
def test_values_are_fitted_to_their_annotation(value: object, annotation: Any, expected: object) -> None:
    found = fitted(value, annotation, "x")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        ("1", int, "x is '1'; it must be an integer"),
        (1.0, int, "an integer"),
        (True, float, "a number"),
        (1, bool, "true or false"),
        (1, str, "a text"),
        ([1, 2, 3], tuple[int, int], "must have 2 values"),
        (1, tuple[int, ...], "a list"),
        ("cmyk", Literal["rgb", "yuv444"], "one of 'rgb', 'yuv444'"),
        ("1", int | None, "an integer"),
    ],
)
def test_values_that_do_not_fit_are_refused(value: object, annotation: Any, message: str) -> None:
    with pytest.raises(ComponentError, match=message):
        fitted(value, annotation, "x")
