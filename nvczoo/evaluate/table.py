"""Results as a table of text."""

from __future__ import annotations

from collections.abc import Sequence

from nvczoo.evaluate.results import Result, ResultSet

HEADINGS = ("point", "codec", "kbit/s", "bpp", "Y", "U", "V", "6:1:1", "MS-SSIM", "enc fps", "dec fps")
TEXTS = 2  # columns that are text, and so begin at the left


def rows_of(results: ResultSet) -> list[tuple[str, ...]]:
    """Return the cells of each result, by point and then in the order of codecs."""
    points = dict.fromkeys(result.point for result in results.results)
    ordered = [result for point in points for result in results.results if result.point == point]
    return [_cells(result, results) for result in ordered]


def text_table(results: ResultSet) -> str:
    """Return the table for a terminal: PSNR in dB, a blank line between points."""
    rows = rows_of(results)
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    lines = [_line(HEADINGS, widths), "  ".join("-" * width for width in widths)]
    for number, row in enumerate(rows):
        if number and row[0] != rows[number - 1][0]:
            lines.append("")
        lines.append(_line(row, widths))
    return "\n".join(lines)


def _cells(result: Result, results: ResultSet) -> tuple[str, ...]:
    conditions = results.conditions
    psnrs = (result.psnr_y, result.psnr_u, result.psnr_v, result.psnr_611)
    return (
        result.point,
        result.codec,
        f"{conditions.kbps(result.size):.1f}",
        f"{conditions.bpp(result.size):.4f}",
        *(f"{psnr:.2f}" for psnr in psnrs),
        "-" if result.ms_ssim is None else f"{result.ms_ssim:.4f}",
        f"{result.encode_fps:.1f}",
        f"{result.decode_fps:.1f}",
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.ljust(width) if number < TEXTS else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(padded).rstrip()
