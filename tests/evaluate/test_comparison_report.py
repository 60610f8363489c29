"""The report: whole, offline and, where a Chromium is installed, looked at by one."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from test_comparison import ANCHOR, BETTER, write
from test_html_report import Structure

from nvczoo.evaluate.comparison import compare
from nvczoo.evaluate.comparison_report import comparison_report
from nvczoo.evaluate.series import load_series

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NAMESPACE = "http://www.w3.org/2000/svg"  # a name, not an address
SIZES = {"phone": (390, 844), "wide": (1280, 900)}
# Virtual time does not wait for pictures that another thread decodes, later so on a busy machine.
ATTEMPTS = 5
WINDOW = (1280, 900)  # Chromium's windows are not narrower than 500: the page is a frame of its size in one
# Says what a person would see, to the window around it.
WITNESS = """<script>
addEventListener("load", () => setTimeout(() => {
  const seen = {ready: document.documentElement.dataset.ready, width: String(innerWidth)};
  seen.overflow = String(document.documentElement.scrollWidth > innerWidth);
  seen.plots = String(document.querySelectorAll(".plot:not([hidden])").length);
  seen.image = String(document.getElementById("left-image").naturalWidth);
  document.getElementById("view").value = "difference";
  showFrames();
  const mark = document.querySelector(".plot:not([hidden]) g[transform]").getBoundingClientRect();
  document.getElementById("plots").dispatchEvent(new PointerEvent("pointermove",
    {clientX: mark.x + mark.width / 2, clientY: mark.y + mark.height / 2}));
  seen.tip = document.getElementById("tip").textContent;
  const canvas = document.getElementById("left-canvas"), point = chosen("left");
  drawDifference(canvas, pictureOf(point, "original"), pictureOf(point, "decoded")).then(() => {
    seen.difference = [...canvas.getContext("2d").getImageData(5, 5, 1, 1).data].join(",");
    seen.bars = String(document.querySelectorAll("#timeline g.frame").length);
    parent.postMessage(seen, "*");
  });
}, 100));
</script></body>"""
# Writes that down where ``--dump-dom`` prints it.
FRAME = """<!DOCTYPE html><html><body style="margin: 0"><script>
addEventListener("message", event => Object.assign(document.documentElement.dataset, event.data));
</script><iframe src="page.html" style="width: {}px; height: {}px; border: 0"></iframe></body></html>"""


@pytest.fixture
def page(tmp_path: Path) -> str:
    write(tmp_path / "r", "x265 <medium>", "a", ANCHOR)
    write(tmp_path / "r", "ours", "a", BETTER)
    return comparison_report(compare(load_series([tmp_path / "r"]), "x265 <medium>"), "A <title>")


def test_the_report_is_whole_and_needs_no_network(page: str) -> None:
    structure = Structure(page)
    assert structure.open == []
    assert structure.addresses == []
    assert "http" not in page.replace(NAMESPACE, "")
    assert re.search(r"url\(|@import", page) is None
    assert "A <title>" in structure.texts
    assert "<medium>" not in page
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    table = json.loads(data[1])
    assert len(table["sequences"][0]["points"]) == 8
    assert re.search(r'<td class="better"[^>]*>-\d+\.\d\d %</td>', page)


@pytest.mark.slow
@pytest.mark.parametrize("screen", SIZES)
def test_a_browser_shows_curves_pictures_and_bits(page: str, tmp_path: Path, screen: str) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium is installed to look at the page with")
    (tmp_path / "page.html").write_text(page.replace("</body>", WITNESS), encoding="utf-8")
    frame, shot = tmp_path / "frame.html", tmp_path / "shot.png"
    frame.write_text(FRAME.format(*SIZES[screen]), encoding="utf-8")
    base = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    base += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={WINDOW[0]},{WINDOW[1]}"]
    base += ["--virtual-time-budget=5000"]
    seen = witnessed([*base, "--dump-dom", frame.as_uri()])
    assert seen["ready"] == "yes"
    assert seen["width"] == str(SIZES[screen][0])
    assert seen["overflow"] == "false"
    assert seen["plots"] == "1"
    assert seen["image"] == "64"
    assert "bpp" in seen["tip"]
    assert seen["bars"] == "4"
    assert seen["difference"].startswith(("36,36,36", "40,40,40"))  # |100 - 91| or |100 - 90|, 4 times
    subprocess.run(
        [*base, f"--screenshot={shot}", frame.as_uri()], capture_output=True, timeout=120, check=True
    )
    check_shot(shot, SIZES[screen])


def witnessed(command: list[str]) -> dict[str, str]:
    """Return what the page's witness wrote down, in the first attempt in which it came to that."""
    for _ in range(ATTEMPTS):
        dump = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        root = re.search(r"<html[^>]*>", dump.stdout)
        assert root is not None
        seen = dict(re.findall(r'data-(\w+)="([^"]*)"', root[0]))
        if seen:
            return seen
    raise AssertionError(f"the page did not say what it shows in {ATTEMPTS} attempts")


def check_shot(shot: Path, size: tuple[int, int]) -> None:
    """Check the picture of the page: nothing beyond its size, something in every fifth of its height."""
    with av.open(str(shot)) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="gray")
    assert pixels.shape == WINDOW[::-1]
    width, height = size
    assert (pixels[:, width:] == 255).all()
    for band in np.array_split(pixels[:height, :width], 5):
        assert int(band.max()) - int(band.min()) > 100
