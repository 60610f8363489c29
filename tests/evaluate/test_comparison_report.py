"""The report: whole, offline and, where a Chromium is installed, looked at by one."""

import json
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from test_comparison import ANCHOR, BETTER, write
from test_html_report import Structure

from nvczoo.evaluate.comparison import compare
from nvczoo.evaluate.comparison_report import comparison_report
from nvczoo.evaluate.series import load_series

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NAMESPACE = "http://www.w3.org/2000/svg"  # a name, not an address
SIZES = {"phone": (500, 900), "wide": (1280, 900)}  # Chromium's windows are not narrower than 500
# Says what a person would see, where ``--dump-dom`` prints it.
WITNESS = """<script>
addEventListener("load", () => setTimeout(() => {
  const seen = document.documentElement.dataset;
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
  });
}, 100));
</script></body>"""


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
    file, shot = tmp_path / "page.html", tmp_path / "shot.png"
    file.write_text(page.replace("</body>", WITNESS), encoding="utf-8")
    size = ",".join(map(str, SIZES[screen]))
    base = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    base += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={size}", "--virtual-time-budget=5000"]
    dump = subprocess.run(
        [*base, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    root = re.search(r"<html[^>]*>", dump.stdout)
    assert root is not None
    seen = dict(re.findall(r'data-(\w+)="([^"]*)"', root[0]))
    assert seen["ready"] == "yes"
    assert seen["overflow"] == "false"
    assert seen["plots"] == "1"
    assert seen["image"] == "64"
    assert "bpp" in seen["tip"]
    assert seen["bars"] == "4"
    assert seen["difference"].startswith(("36,36,36", "40,40,40"))  # |100 - 91| or |100 - 90|, 4 times
    subprocess.run(
        [*base, f"--screenshot={shot}", file.as_uri()], capture_output=True, timeout=120, check=True
    )
    assert struct.unpack(">2I", shot.read_bytes()[16:24]) == SIZES[screen]
