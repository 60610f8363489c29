"""What a codec consists of: its parts, how large each is, and how many multiplications it takes per pixel."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from nvczoo.codec.multiplications import Counts, parameters_of, parts_of
from nvczoo.columns import columns

if TYPE_CHECKING:
    from nvczoo.codec.video_codec import VideoCodec

MILLION = 1e6
HEADINGS = ("part", "what it is", "parameters, M", "kMAC/pixel, encoding")
NUMBERS = (2, 3)  # columns that are set to the right


@dataclass(frozen=True)
class PartSummary:
    """A part and all that is in it; ``multiplications`` is None where they could not be counted."""

    path: str  # such as inter.motion_estimator
    title: str  # its class
    parameters: int
    multiplications: float | None  # thousand per luma pixel, to encode one frame


@dataclass(frozen=True)
class CodecSummary:
    """A codec in numbers; shows itself as a table, in text and in notebooks."""

    title: str
    parts: tuple[PartSummary, ...]  # each after the one that holds it

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """The cells of each part, as ``HEADINGS`` names them."""
        return [
            (
                self._place(one.path),
                one.title,
                f"{one.parameters / MILLION:.2f}",
                "-" if one.multiplications is None else f"{one.multiplications:.1f}",
            )
            for one in self.parts
        ]

    def _place(self, path: str) -> str:
        """Return a part's name within the part that holds it, set in by as many as hold it."""
        holders = [one.path for one in self.parts if path.startswith(f"{one.path}.")]
        name = path.removeprefix(f"{holders[-1]}.") if holders else path
        return "  " * len(holders) + name

    def __str__(self) -> str:
        return f"{self.title}\n{columns([HEADINGS, *self.rows], right=NUMBERS)}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in HEADINGS)
        body = "".join(
            f"<tr>{''.join(f'<td>{_indented(cell)}</td>' for cell in row)}</tr>" for row in self.rows
        )
        return (
            f"<p>{escape(self.title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def summarized(codec: VideoCodec, counts: Counts) -> CodecSummary:
    """Return the summary, given what has been counted."""
    gop = type(codec.gop).__name__
    title = (
        f"{type(codec).__name__} {codec.name!r}: {parameters_of(codec) / MILLION:.2f} M parameters, "
        f"{codec.layout}, {gop}, q = {codec.default_q:g}, {codec.precision} on {codec.device}"
    )
    if counts.failure:
        title += f"; multiplications could not be counted ({counts.failure})"
    parts = (
        PartSummary(path, type(part).__name__, parameters_of(part), counts.by_path.get(path))
        for path, part in parts_of(codec).items()
    )
    return CodecSummary(title, tuple(parts))


def _indented(cell: str) -> str:
    return escape(cell).replace("  ", "&emsp;")
