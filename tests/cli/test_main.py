"""Help, exit codes and messages."""

import sys
from types import SimpleNamespace

import pytest

import nvczoo
from nvczoo.cli import main as command
from nvczoo.cli.main import DEMO, INTERRUPTED, READER_GONE, VERBS, main
from nvczoo.errors import CorruptStream, VideoError


def raising(error: BaseException) -> SimpleNamespace:
    """Return what stands for a verb and fails."""

    def run(_: object) -> int:
        raise error

    return SimpleNamespace(
        SUMMARY="fail", EXAMPLE="nvczoo models", add_arguments=lambda parser: None, run=run
    )


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch):
    """Return a function that runs ``nvczoo models`` with an error in it."""

    def fail_with(error: BaseException, *options: str) -> int:
        monkeypatch.setitem(command.VERBS, "models", raising(error))
        return main(["models", *options])

    return fail_with


def test_without_arguments_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in (*VERBS, DEMO))
    assert "larger is better, and bigger" in printed


@pytest.mark.parametrize("verb", [*VERBS, DEMO])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert verb == DEMO or f"example:\n  nvczoo {verb}" in printed


def test_every_example_is_understood() -> None:
    for verb, module in VERBS.items():
        arguments = module.EXAMPLE.replace("'", "").split()[1:]
        assert command.build_parser().parse_args(arguments).verb == verb


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"nvczoo {nvczoo.__version__}\n"


@pytest.mark.parametrize("argv", [["encode"], ["compress"], ["models", "--colour"], ["info"]], ids=" ".join)
def test_wrong_usage_ends_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: nvczoo" in capsys.readouterr().err


def test_an_error_is_a_message_without_a_traceback(fail, capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(CorruptStream("Packet 7 is damaged")) == 1
    assert capsys.readouterr().err == "nvczoo: error: Packet 7 is damaged\n"
    assert fail(OSError("No space left on device")) == 1
    assert capsys.readouterr().err == "nvczoo: error: No space left on device\n"


def test_debug_shows_where_an_error_comes_from(fail) -> None:
    with pytest.raises(CorruptStream):
        fail(CorruptStream("Packet 7 is damaged"), "--debug")


def test_what_nobody_foresaw_is_told_as_a_bug(fail, capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(KeyError("x")) == 1
    assert "KeyError: 'x'. This is a bug; --debug shows" in capsys.readouterr().err


def test_an_interrupt_ends_with_130(fail, capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(KeyboardInterrupt()) == INTERRUPTED
    assert capsys.readouterr().err == "nvczoo: interrupted\n"


def test_a_reader_that_goes_away_is_no_news(fail, capfd: pytest.CaptureFixture[str]) -> None:
    wrapped = VideoError("The program that was to read the video has ended")
    wrapped.__cause__ = BrokenPipeError()
    for error in (BrokenPipeError(), wrapped):
        assert fail(error) == READER_GONE
    assert capfd.readouterr().err == ""


def test_the_demo_gets_its_own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    fake = SimpleNamespace(main=lambda argv: given.append(argv) or 3)
    monkeypatch.setitem(sys.modules, "nvczoo.cli.demo", fake)
    monkeypatch.setattr("nvczoo.cli.demo", fake, raising=False)
    assert main([DEMO, "-q", "8"]) == 3
    assert given == [["-q", "8"]]
