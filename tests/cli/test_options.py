"""What arguments may be."""

import argparse
from collections.abc import Callable

import pytest

from nvczoo.cli import options
from nvczoo.cli.encode import DEFAULT_MODEL, q_of
from nvczoo.cli.main import build_parser
from nvczoo.interfaces import Q_MAX, Q_MIN


def test_q_is_what_the_codecs_take() -> None:
    assert (options.Q_LOW, options.Q_HIGH) == (Q_MIN, Q_MAX)
    assert options.quality("40.5") == 40.5


def test_values_are_read() -> None:
    assert options.size("352x288") == (352, 288)
    assert (options.count("1"), options.index("0")) == (1, 0)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (options.quality, "64"),
        (options.quality, "-1"),
        (options.quality, "nan"),
        (options.quality, "high"),
        (options.size, "352"),
        (options.size, "352x288x3"),
        (options.count, "0"),
        (options.count, "-3"),
        (options.index, "2.5"),
        (options.part, "motion_estimator"),
        (options.part, "=spynet"),
        (options.part, "device=cuda"),
    ],
)
def test_what_cannot_be_is_refused_with_an_example(kind: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"would|give|is no number"):
        kind(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("motion_estimator=block-matching", ("motion_estimator", "block-matching")),
        ("gop.long_term=8", ("gop.long_term", 8)),
        ("inter.widths=[4, 8]", ("inter.widths", [4, 8])),
        ('gop={name = "low-delay", long_term = 2}', ("gop", {"name": "low-delay", "long_term": 2})),
    ],
)
def test_a_part_is_a_name_or_toml(text: str, expected: tuple[str, object]) -> None:
    assert options.part(text) == expected


def test_what_is_left_out_has_its_default() -> None:
    arguments = build_parser().parse_args(["encode", "-i", "-", "-o", "-"])
    assert (arguments.model, q_of(arguments), arguments.device) == (DEFAULT_MODEL, 32.0, "cpu")
    assert build_parser().parse_args(["decode", "-i", "-", "-o", "-"]).model is None


def test_an_intra_period_of_minus_one_is_no_option() -> None:
    arguments = build_parser().parse_args(["encode", "-i", "a", "-o", "b", "-g", "-1"])
    assert arguments.intra_period == -1
