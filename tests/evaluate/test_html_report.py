import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import torch

from nvczoo.evaluate.html_report import ORIGINAL, Page, Still, html_report
from nvczoo.evaluate.results import Conditions, Result, ResultSet
from nvczoo.video.picture import Colour, Picture

CONDITIONS = Conditions("a<b>.mp4", 64, 48, 50, "25", -1, 2, "cpu", (("torch", "2"),))
OURS = Result("ev-nvc-s", "q 12", "identity 00", 10_000, 30.0, 40.0, 41.0, 32.625, 0.9, 5.0, 9.0)
RESULTS = ResultSet(CONDITIONS, (OURS, replace(OURS, codec="x265 <medium>", size=11_000)))
CHROMA = torch.full((24, 32), 128, dtype=torch.uint8)
GREY = Picture(torch.full((48, 64), 90, dtype=torch.uint8), CHROMA, CHROMA)
STILLS = (
    Still(ORIGINAL, "", 0, GREY, ""),
    Still("ev-nvc-s", "q 12", 0, GREY, "40 kbit/s </script><b>"),
)
VOID = {"meta", "input", "img"}


class Structure(HTMLParser):
    """Notes what is opened and not closed, and every address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def report(results: ResultSet = RESULTS) -> str:
    return html_report(Page("A <title>", "What & why"), results, STILLS, Colour())


def test_the_page_is_whole_and_nothing_from_outside_becomes_markup() -> None:
    page = report()
    structure = Structure(page)
    assert structure.open == []
    assert "x265 <medium>" in structure.texts
    assert "A <title>" in structure.texts
    assert "a<b>.mp4: 50 frames of 64x48 at 25 per second" in structure.texts
    assert "<b>" not in page
    assert page.count("</script>") == 2


def test_the_page_needs_no_network() -> None:
    page = report()
    assert Structure(page).addresses == []
    assert "http" not in page
    assert re.search(r"url\(|@import", page) is None


def test_the_pictures_are_in_the_page() -> None:
    text = re.search(r'id="stills">(.*?)</script>', report(), re.DOTALL)
    assert text is not None
    stills = json.loads(text[1])
    assert [(one["codec"], one["point"], one["frame"]) for one in stills] == [
        ("original", "", 0),
        ("ev-nvc-s", "q 12", 0),
    ]
    assert stills[1]["caption"] == "40 kbit/s </script><b>"
    assert all(one["src"].startswith("data:image/png;base64,iVBOR") for one in stills)


def test_small_pictures_without_ms_ssim_are_plotted_by_psnr_of_luma() -> None:
    without = ResultSet(CONDITIONS, tuple(replace(one, ms_ssim=None) for one in RESULTS.results))
    assert "MS-SSIM, luma over" in report()
    assert "MS-SSIM, luma over" not in report(without)
    assert "PSNR Y, dB over" in report(without)


def test_the_page_suits_phones_and_dark_screens() -> None:
    page = report()
    assert 'name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme: dark" in page
