"""The page of models and parts is what the cards and the packaging say."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def make_zoo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_zoo", DOCS / "make_zoo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_zoo_page_is_made_anew_when_a_card_or_a_part_changes(make_zoo: ModuleType) -> None:
    text = (DOCS / "zoo.md").read_text(encoding="utf-8")
    assert make_zoo.page(text) == text, "run: python docs/make_zoo.py"


def test_every_part_says_what_it_is(make_zoo: ModuleType) -> None:
    assert "| - |\n" not in make_zoo.tables().split("###", 1)[1]
