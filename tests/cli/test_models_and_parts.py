"""``nvczoo models`` and ``nvczoo parts``."""

import json
from pathlib import Path

import pytest
from tiny_model import MODEL

import nvczoo
from nvczoo import components
from nvczoo.cli.main import main


def test_models_are_listed_with_their_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["model", "weights", "licence", "what", "it", "is"]
    assert [line.split()[0] for line in lines] == nvczoo.models()
    found = {line.split()[0]: line for line in lines}
    assert "16.9 MB  " in found["ev-nvc-s"]
    assert "to import  MIT; pictures: BSD-3-Clause-Clear  " in found["dcvc"]  # the authors'


def test_a_pattern_chooses_among_models(tiny: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "ti*", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["licence"]) == (MODEL, "BSD-3-Clause")
    assert found["weights"]["place"] == "packaged"
    assert found["published"] == {}
    assert found["parts"]["inter"]["name"] == "ev-nvc"


def test_a_pattern_without_a_match_tells_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "ev-nvs-s"]) == 1
    assert "Did you mean 'ev-nvc-s'" in capsys.readouterr().err


def test_a_broken_card_is_listed_as_that(tiny: None, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = site / "tiny_models" / "broken.toml"
    broken.write_text("summary = 7")
    try:
        assert main(["models", "*n*"]) == 0
    finally:
        broken.unlink()
    lines = capsys.readouterr().out.splitlines()
    (line,) = [one for one in lines if one.startswith("broken")]
    assert "'licence' is missing" in line or "must be a text" in line
    assert any(one.startswith(MODEL) for one in lines)


def test_parts_are_listed_with_who_offers_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parts", "motion_estimator"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["motion_estimator", "spynet", "nvczoo", nvczoo.__version__, "ok"] in lines
    assert main(["parts", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["kind"] for one in found} == set(components.KINDS)


def test_an_unknown_kind_tells_the_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parts", "motion"]) == 1
    assert "motion_estimator" in capsys.readouterr().err
