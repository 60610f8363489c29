"""BD-rate of a model against x264 and x265 on a folder of clips, as a Markdown table.

    python benchmarks/rate_distortion.py CLIPS -m ev-nvc-s --frames 32 -o docs/results/ev-nvc-s.md

Everything is coded for real: our rates are those of whole streams, the anchors' those of elementary
streams. Low delay, the same intra period for all; PSNR is 6:1:1, the mean over frames.
"""

import argparse
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from tqdm import tqdm

import nvczoo
from nvczoo.codec import EncodeOptions, Video, VideoCodec
from nvczoo.errors import SettingError
from nvczoo.evaluate import anchors
from nvczoo.evaluate.anchors import AnchorSettings
from nvczoo.evaluate.bd_rate import Curve, bd_rate
from nvczoo.evaluate.measure import conditions_of
from nvczoo.evaluate.metrics import video_quality
from nvczoo.video import open_video

PERIOD = 32  # frames from one intra frame to the next
QS = (4.0, 16.0, 28.0, 40.0, 52.0, 63.0)
CRFS = (18.0, 22.0, 26.0, 30.0, 34.0, 38.0, 42.0, 46.0)
ANCHORS = (("x264", "veryslow"), ("x265", "medium"))
FIT = "pchip"

Point = tuple[float, float]  # bits per pixel, PSNR 6:1:1 in dB


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, help="a folder of videos")
    parser.add_argument("-m", "--model", default="ev-nvc-s")
    parser.add_argument("--frames", type=int, default=PERIOD)
    parser.add_argument("-o", "--output", type=Path, help="Markdown file (default: standard output)")
    arguments = parser.parse_args()
    codec = nvczoo.load(arguments.model)
    paths = sorted(path for path in arguments.clips.iterdir() if path.suffix in (".mkv", ".mp4", ".y4m"))
    rows, conditions = [], None
    for path in tqdm(paths, "clips", disable=None):
        with open_video(path, tracks=False) as reader:
            video = Video(reader.info, tuple(islice(reader, arguments.frames)))
        conditions = conditions or conditions_of(video, "each clip", PERIOD, codec.device)
        rows.append(_row(path.stem, video, codec))
    text = _page(arguments.model, rows, str(conditions))
    if arguments.output is None:
        print(text)
    else:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(text)


def _row(name: str, video: Video, codec: VideoCodec) -> list[str]:
    ours = _curve(QS, lambda q: _ours(codec, video, q, PERIOD))
    others = {"own intra": _curve(QS, lambda q: _ours(codec, video, q, 1))} if len(video) > 1 else {}
    for encoder, preset in ANCHORS:
        settings = AnchorSettings(encoder, preset, intra_period=PERIOD)
        others[settings.label] = _curve(CRFS[::-1], lambda crf, s=settings: _anchor(video, s, crf))
    span = f"{ours[0][0]:.3f} to {ours[-1][0]:.3f}", f"{ours[0][1]:.1f} to {ours[-1][1]:.1f}"
    return [name, str(len(video)), *span, *(_bd(ours, others.get(label)) for label in LABELS)]


LABELS = ("own intra", *(f"{encoder} {preset}" for encoder, preset in ANCHORS))


def _ours(codec: VideoCodec, video: Video, q: float, period: int) -> Point:
    data = codec.encode(video, q, EncodeOptions(intra_period=period))
    return _point(video, len(data), codec.decode(data))


def _anchor(video: Video, settings: AnchorSettings, crf: float) -> Point:
    stream = anchors.encode(
        video, AnchorSettings(settings.encoder, settings.preset, crf, intra_period=PERIOD)
    )
    return _point(video, stream.size, anchors.decode(stream)[0])


def _point(video: Video, size: int, decoded: object) -> Point:
    pixels = len(video) * video.info.width * video.info.height
    return 8 * size / pixels, video_quality(video, decoded).mean.psnr_611  # type: ignore[arg-type]


def _curve(settings: tuple[float, ...], measure: Callable[[float], Point]) -> list[Point]:
    return [measure(setting) for setting in settings]


def _bd(test: list[Point], anchor: list[Point] | None) -> str:
    if anchor is None:
        return "one frame"
    curves = [Curve(tuple(r for r, _ in points), tuple(p for _, p in points)) for points in (anchor, test)]
    try:
        found = bd_rate(*curves, fit=FIT)
    except SettingError as error:
        return f"none: {error}"
    return f"{found.percent:+.1f} %"


def _page(model: str, rows: list[list[str]], conditions: str) -> str:
    head = ["clip", "frames", "bpp", "PSNR 6:1:1", *(f"BD-rate against {label}" for label in LABELS)]
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return (
        f"# {model}: rate and distortion\n\n"
        f"Low delay, intra period {PERIOD}; q {', '.join(f'{q:g}' for q in QS)}; anchors with CRF "
        f"{', '.join(f'{c:g}' for c in CRFS)}, no B frames, `tune=psnr`, the same intra period; BD-rate by "
        f"{FIT} over the common range of PSNR. Below zero is better than the anchor. YUV 4:2:0, 8 bit, as in "
        f"the files.\n\n{table}\n\nConditions: {conditions}\n"
    )


if __name__ == "__main__":
    main()
