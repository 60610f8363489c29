"""``nvczoo doctor``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_model import MODEL

import nvczoo
from nvczoo import components
from nvczoo.cli import examination
from nvczoo.cli.main import main
from nvczoo.entropy.coders import paths
from nvczoo.errors import WeightsError


@pytest.fixture
def broken_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a distribution whose part cannot be imported."""
    info = tmp_path / "half_done-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: half-done\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[nvczoo.motion_estimator]\nhalf = nowhere_at_all:Half\n")
    monkeypatch.syspath_prepend(tmp_path)
    components._installed.cache_clear()
    yield
    components._installed.cache_clear()


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def test_versions_processor_coder_and_weights_are_told(
    tiny: None, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["doctor", "--json"])
    found = findings(capsys)
    assert found["nvczoo"]["value"] == nvczoo.__version__
    assert found["torch"]["value"] == torch.__version__
    assert torch.backends.cpu.get_cpu_capability() in found["CPU"]["value"]
    assert found["entropy coder"]["value"].startswith("native (C++")
    assert "SHA-256 is right" in found[f"model {MODEL}"]["value"]
    assert "tiny-models 1.0" in found["plugins"]["value"]
    assert {"Python", "NumPy", "PyAV", "threads"} < found.keys()


def test_the_path_of_the_coder_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fastest, *others = paths()
    main(["doctor", "--json"])
    value = findings(capsys)["entropy coder"]["value"]
    assert f"path {fastest} (also here, by NVCZOO_CODER: {', '.join(others)})" in value
    monkeypatch.setenv("NVCZOO_CODER", "emulator")
    main(["doctor", "--json"])
    assert "path emulator" in findings(capsys)["entropy coder"]["value"]
    monkeypatch.setenv("NVCZOO_CODER", "abacus")
    assert main(["doctor", "--json"]) == 1
    found = findings(capsys)["entropy coder"]
    assert not found["works"]
    assert "NVCZOO_CODER asks for the coder's path 'abacus'" in found["value"]


def test_a_part_that_cannot_be_loaded_is_found_when_asked(
    broken_part: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--load", "--json"]) == 1
    printed = capsys.readouterr()
    found = {one["name"]: one for one in json.loads(printed.out)}
    half = found["motion_estimator half"]
    assert not half["works"]
    assert "half-done 0.1" in half["value"]
    assert found["motion_estimator spynet"]["works"]
    assert "Something does not work: " in printed.err
    main(["doctor", "--json"])
    assert "motion_estimator half" not in findings(capsys)


def test_damaged_weights_are_found(
    tiny: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> Path:
        raise WeightsError("not the hash of its card")

    monkeypatch.setattr(examination.hub, "fetch", refuse)
    assert main(["doctor"]) == 1
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith(f"model {MODEL}")]
    assert line.endswith("WeightsError: not the hash of its card  <- broken")


def test_plugins_that_are_switched_off_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(components.AUTOLOAD, "0")
    main(["doctor"])
    assert "switched off by NVCZOO_PLUGIN_AUTOLOAD=0" in capsys.readouterr().out
