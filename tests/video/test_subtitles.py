import pytest

from nvczoo.errors import VideoError
from nvczoo.video.subtitles import MAX_MOV_TEXT, crossing, to_mov_text, to_subrip


def test_only_text_that_the_container_stores_otherwise_is_rewritten() -> None:
    assert crossing("subrip", "mp4") == crossing("subrip", "mov") == "mov_text"
    assert crossing("mov_text", "matroska") == "subrip"
    assert crossing("subrip", "matroska") is crossing("mov_text", "mp4") is crossing("ass", "mp4") is None


@pytest.mark.parametrize(
    ("line", "text"),
    [("Grüße", "Grüße"), ("<i>one</i>\ntwo", "one\ntwo"), (r"{\an8}up", "up"), ("1 < 2 {so}", "1 < 2 {so}")],
)
def test_text_comes_back_without_its_markup(line: str, text: str) -> None:
    assert to_subrip(to_mov_text(line.encode())) == text.encode()


def test_styles_after_the_text_are_dropped() -> None:
    assert to_subrip(b"\0\2Hi\0\0\0\x16styl") == b"Hi"


def test_utf_16_is_understood() -> None:
    text = b"\xfe\xff" + "Hi".encode("utf-16-be")

    assert to_subrip(len(text).to_bytes(2) + text) == b"Hi"


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0", b"\xff\xff", b"\0\4\xff\xfe\0", b"\0\1\x80"])
def test_damaged_text_is_no_danger(data: bytes) -> None:
    assert len(to_subrip(data)) <= 6


def test_text_too_long_for_its_length_field_is_refused() -> None:
    to_mov_text(b"x" * MAX_MOV_TEXT)
    with pytest.raises(VideoError, match="65536 bytes"):
        to_mov_text(b"x" * (MAX_MOV_TEXT + 1))
