"""What the verb ``train`` hands on."""

from pathlib import Path

import pytest

from nvczoo.cli.main import main
from nvczoo.train.trainer import Options

COMMAND = ("train", "quick", "--steps", "2", "--data", "clips", "--out", "run")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """Return the options of runs that are asked for, and are not made."""
    found: list[Options] = []

    def note(*arguments: object) -> Path:
        (options,) = (one for one in arguments if isinstance(one, Options))
        found.append(options)
        return Path("weights")

    monkeypatch.setattr("nvczoo.train.run.train", note)
    return found


def test_a_run_is_saved_every_two_minutes_whatever_else_is_asked(asked: list[Options]) -> None:
    assert main([*COMMAND]) == 0
    assert main([*COMMAND, "--keep-stages", "--log-every", "3", "--workers", "1", "--compile"]) == 0
    assert asked == [
        Options(),
        Options(workers=1, compile=True, log_every=3, save_every=120.0, keep_stages=True),
    ]
