"""What is said of a part without importing it."""

import sys
from pathlib import Path

import pytest

from nvczoo.components import REGISTERED, Offer, describe
from nvczoo.offer_check import fault

SOURCE = """
raise SystemExit("imported")
class Plain: pass
Assigned = Plain
from somewhere import Renamed as Imported
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checked_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "sound.py").write_text(SOURCE)
    (folder / "broken.py").write_text("class Plain:\n    def (\n")
    (folder / "lazy.py").write_text("def __getattr__(name): ...")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def offer(value: str, distribution: str = "mine") -> Offer:
    return Offer("motion_estimator", "thing", distribution, "1", value)


@pytest.mark.parametrize("value", ["sound:Plain", "sound:Assigned", "sound:Imported", "lazy:Anything"])
def test_nothing_speaks_against_a_class_that_is_there(package: Path, value: str) -> None:
    assert fault(offer(f"checked_package.{value}")) == ""
    assert "checked_package" not in sys.modules


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("checked_package.sound:Missing", "checked_package.sound has no Missing"),
        ("checked_package.broken:Plain", "line 2 of checked_package.broken is no Python"),
        ("checked_package.none:Plain", "there is no module checked_package.none"),
        ("no_such_package.x:Plain", "there is no module no_such_package.x"),
        ("", "there is no module"),
    ],
)
def test_what_is_wrong_is_told(package: Path, value: str, told: str) -> None:
    assert told in fault(offer(value))
    assert "checked_package" not in sys.modules


def test_a_clash_is_told_with_the_way_to_choose(package: Path) -> None:
    one, other = offer("checked_package.sound:Plain", "one"), offer("checked_package.sound:Plain", "other")
    assert fault(one, [one, other]) == "also offered by other: write one:thing"
    assert fault(one, [one]) == ""


def test_registered_parts_are_there() -> None:
    assert fault(offer("nowhere:Plain", REGISTERED)) == ""


def test_all_of_ours_are_sound() -> None:
    assert [fault(one) for one in describe("entropy_model")] == [""] * len(describe("entropy_model"))
