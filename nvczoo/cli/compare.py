"""``nvczoo compare``: BD-rates, tables, plots and a report from what ``nvczoo eval`` measured."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from nvczoo.cli.text import tell
from nvczoo.errors import SettingError

if TYPE_CHECKING:
    from nvczoo.evaluate.comparison import Comparison

SUMMARY = "make BD-rates, tables, plots and a report of results"
EXAMPLE = "nvczoo compare results/ published-vtm-17.0.json --anchor x265-medium -o comparison/"
METRIC, FIT = "psnr_611", "pchip"
PICTURES = 24.0  # megabytes
OUTPUTS = {"comparison.md": "markdown", "points.csv": "points_csv", "comparison.json": "as_json"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    add = parser.add_argument
    add(
        "results",
        nargs="+",
        type=Path,
        help="folders of nvczoo eval; published figures: CSV, or JSON in the form of DCVC's or CompressAI's",
    )
    add("--anchor", required=True, help="the codec that all others are compared with")
    add(
        "--metric",
        default=METRIC,
        help="psnr_611, psnr_y, ms_ssim, psnr_rgb, vmaf ... (default: %(default)s)",
    )
    add("--fit", default=FIT, help="cubic, pchip or akima (default: %(default)s)")
    add("--title", help="of the report (default: names the anchor)")
    add("--pictures", type=float, default=PICTURES, metavar="MB", help="in the report (default: %(default)g)")
    add("-o", "--output", type=Path, help="folder (default: comparison, in the first folder of results)")


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the table, write all forms of it."""
    from nvczoo.evaluate.comparison import compare
    from nvczoo.evaluate.series import load_series

    found = compare(load_series(arguments.results), arguments.anchor, arguments.metric, arguments.fit)
    first = arguments.results[0]
    folder = arguments.output or (first if first.is_dir() else first.parent) / "comparison"
    title = arguments.title or f"Compared with {arguments.anchor}"
    write_comparison(found, folder, title, arguments.pictures)
    return 0


def write_comparison(found: Comparison, folder: Path, title: str, pictures: float = PICTURES) -> None:
    """Write tables, plots and report into a folder, and print the table of BD-rates."""
    from nvczoo.evaluate import comparison_tables
    from nvczoo.evaluate.comparison_report import comparison_report
    from nvczoo.evaluate.figures import save_figures
    from nvczoo.video.atomic import atomic_output

    folder.mkdir(parents=True, exist_ok=True)
    texts = {name: getattr(comparison_tables, form)(found) for name, form in OUTPUTS.items()}
    texts["index.html"] = comparison_report(found, title, pictures)
    for name, text in texts.items():
        with atomic_output(folder / name, overwrite=True) as temporary:
            temporary.write_text(text, encoding="utf-8")
    try:
        save_figures(found, folder)
    except SettingError as error:
        tell(f"note: {error}")
    print(texts["comparison.md"].partition("\n## Points")[0])
    tell(f"tables, plots and the report are in {folder}; open {folder / 'index.html'}")
