from pathlib import Path

import pytest

from nvczoo.errors import VideoError
from nvczoo.video import atomic_output


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"

    with atomic_output(target) as temporary:
        temporary.write_bytes(b"all of it")
        assert temporary.parent == tmp_path
        assert not target.exists()

    assert target.read_bytes() == b"all of it"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_what_was_there_before(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"before")

    def fail_halfway() -> None:
        with atomic_output(target, overwrite=True) as temporary:
            temporary.write_bytes(b"half")
            raise failure

    with pytest.raises(failure):
        fail_halfway()

    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_replaced_only_on_request(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"before")

    with pytest.raises(VideoError, match="exists already"), atomic_output(target):
        pytest.fail("the block must not be entered")
    with atomic_output(target, overwrite=True) as temporary:
        temporary.write_bytes(b"after")

    assert target.read_bytes() == b"after"


def test_a_file_that_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"

    with pytest.raises(VideoError, match="exists already"), atomic_output(target):
        target.write_bytes(b"somebody else's")

    assert target.read_bytes() == b"somebody else's"


@pytest.mark.parametrize(("name", "message"), [("none/out.bin", "does not exist"), ("", "is a folder")])
def test_where_nothing_can_be_written_the_message_says_so(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(VideoError, match=message), atomic_output(tmp_path / name):
        pytest.fail("the block must not be entered")


def test_a_very_long_name_fits(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 120)

    with atomic_output(target) as temporary:
        temporary.write_bytes(b"1")

    assert target.exists()
