"""One page about one stream: frames, rate over time, what the bits were spent on. It needs no network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from string import Template

from nvczoo.evaluate.assets import asset
from nvczoo.evaluate.stills import BITS, MOTION
from nvczoo.evaluate.stream_view import ShownFrame, StreamView, WatchedStep
from nvczoo.video.png import png_address

TEMPLATE, STYLE = "stream.html", "comparison.css"
STYLES = 8  # colours in the style sheet; parts beyond that share them
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 800, 240, 60, 24, 8  # units of the plot, and its margins
MAX_BARS = 400  # a bar is the mean of several steps where there are more
BITS_PER_BYTE, PERCENT = 8, 100
CAPTIONS = {MOTION: ", its motion", BITS: ", where its bits went"}


def stream_page(view: StreamView, title: str, facts: str) -> str:
    """Return the page; ``facts`` is text that is shown as it is."""
    parts = list(dict.fromkeys(name for step in view.steps for name in step.parts))
    info = view.info
    summary = (
        f"{info.frame_count} frames of {info.header.info.width}x{info.header.info.height} by "
        f"{info.header.model} in {info.size} bytes: {info.bits_per_pixel:.4f} bit per pixel, every checksum "
        "right."
    )
    return Template(asset(TEMPLATE)).substitute(
        title=escape(title),
        style=asset(STYLE),
        summary=escape(summary),
        frames="".join(map(_frame, view.frames)),
        legend=_legend(parts),
        rate=_rate(view.steps, parts),
        parts=_parts(view.steps, parts),
        facts=escape(facts),
    )


def _frame(frame: ShownFrame) -> str:
    return "".join(
        f'<figure><img src="{png_address(still.png)}" alt="frame {frame.frame}, {still.kind}">'
        f"<figcaption>frame {frame.frame}"
        f"{CAPTIONS.get(still.kind, '')}</figcaption></figure>"
        for still in frame.stills
    )


def _legend(parts: Sequence[str]) -> str:
    return "".join(
        f'<li class="curve style-{number % STYLES}"><svg viewBox="0 0 16 16" aria-hidden="true">'
        f'<rect width="16" height="16" fill="currentColor"/></svg>{escape(name)}</li>'
        for number, name in enumerate(parts)
    )


def _rate(steps: Sequence[WatchedStep], parts: Sequence[str]) -> str:
    """Return the plot: a bar for each coding step, in coding order, as high as its bytes."""
    group = -(-len(steps) // MAX_BARS)
    groups = [steps[at : at + group] for at in range(0, len(steps), group)]
    sizes = [sum(step.info.size for step in one) / len(one) for one in groups]
    highest = max(sizes, default=1)
    width = (WIDTH - LEFT) / max(len(groups), 1)
    bars = (
        _bar(one, parts, LEFT + at * width, width, sizes[at] / highest * (HEIGHT - TOP - BOTTOM))
        for at, one in enumerate(groups)
    )
    floor = HEIGHT - BOTTOM
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="bytes of each frame">'
        f'<path class="grid" d="M{LEFT} {TOP}H{WIDTH}M{LEFT} {floor}H{WIDTH}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">{highest:.0f}</text>'
        f'<text class="tick" x="{LEFT - 6}" y="{floor}" text-anchor="end">0</text>'
        f'<text class="name" x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 4}" text-anchor="middle">'
        f"bytes of each frame, in coding order</text>{''.join(bars)}</svg>"
    )


def _bar(steps: Sequence[WatchedStep], parts: Sequence[str], x: float, width: float, height: float) -> str:
    """Return a bar whose length is shared out among the parts as their bits are."""
    spent = _spent(steps)
    total = sum(spent.values()) or 1.0
    y = float(HEIGHT - BOTTOM)
    pieces = []
    for number, name in enumerate(parts):
        piece = height * spent[name] / total
        y -= piece
        pieces.append(
            f'<rect class="style-{number % STYLES}" fill="currentColor" x="{x:.2f}" y="{y:.2f}" '
            f'width="{width * 0.9:.2f}" height="{piece:.2f}"/>'
        )
    return f"<g><title>{escape(_tip(steps))}</title>{''.join(pieces)}</g>"


def _tip(steps: Sequence[WatchedStep]) -> str:
    first, last = steps[0].info, steps[-1].info
    if len(steps) == 1:
        return f"frame {first.frame}, {first.kind}, q {first.q:g}: {first.size} bytes"
    mean = sum(step.info.size for step in steps) / len(steps)
    return f"frames {first.frame} to {last.frame}: {mean:.0f} bytes on average"


def _parts(steps: Sequence[WatchedStep], parts: Sequence[str]) -> str:
    """Return a table of bytes by part; headers of packets and the coder's last bytes are the rest."""
    spent = _spent(steps)
    whole = sum(step.info.size for step in steps)
    rows = [(name, spent[name] / BITS_PER_BYTE) for name in parts]
    rows.append(("headers, checksums, rounding", whole - sum(size for _, size in rows)))
    body = "".join(
        f"<tr><td>{escape(name)}</td><td>{size:.0f}</td><td>{PERCENT * size / max(whole, 1):.1f}</td></tr>"
        for name, size in rows
    )
    return f"<thead><tr><th>part</th><th>bytes</th><th>%</th></tr></thead><tbody>{body}</tbody>"


def _spent(steps: Sequence[WatchedStep]) -> Mapping[str, float]:
    """Return the bits of each part; a part that is in none of the steps has none."""
    spent: defaultdict[str, float] = defaultdict(float)
    for step in steps:
        for name, bits in step.parts.items():
            spent[name] += bits
    return spent
