"""``nvczoo demo``: compress the clip that ships with nvczoo, check it bit for bit, show what came out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import torch

import nvczoo
from nvczoo.cli.demo_page import demo_page
from nvczoo.codec.files import EncodeOptions
from nvczoo.codec.video import Video
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import CardError, NvczooError, SettingError
from nvczoo.evaluate import anchors
from nvczoo.evaluate.anchors import AnchorSettings
from nvczoo.evaluate.measure import Measurement, conditions_of, measure_anchor, measure_codec
from nvczoo.evaluate.results import ResultSet
from nvczoo.evaluate.table import text_table
from nvczoo.sources import card_of
from nvczoo.video.reader import open_video

MODEL = "ev-nvc-s"
QUALITIES = (12.0, 32.0, 52.0)
INTRA_PERIOD = 32  # frames
FOLDER = "demo-out"
CLIP = "butterfly.mp4"
ANCHORS: tuple[anchors.Encoder, ...] = ("x264", "x265")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo and return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        run(arguments)
    except NvczooError as error:
        print(f"nvczoo demo: {error}", file=sys.stderr)
        return 1
    return 0


def run(arguments: argparse.Namespace) -> ResultSet:
    """Measure, print the table, write the streams, the figures and the page."""
    if arguments.threads is not None:
        if arguments.threads < 1:
            raise SettingError(f"threads is {arguments.threads}; give at least 1")
        torch.set_num_threads(arguments.threads)
    video = read_clip(arguments.input, arguments.frames)
    codec = nvczoo.load(arguments.model)
    qualities = arguments.qualities or qualities_of(arguments.model)
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    period = arguments.intra_period

    ours = [_ours(codec, video, q, period, folder) for q in qualities]
    others = [one for encoder in ANCHORS for one in _anchor(encoder, video, period, ours)]
    name = Path(arguments.input or CLIP).name
    conditions = conditions_of(video, name, period, codec.device)
    results = ResultSet(conditions, tuple(one.result for one in (*ours, *others)))
    results.save(folder / "results.json")
    page = folder / "index.html"
    page.write_text(demo_page(video, (*ours, *others), results), encoding="utf-8")

    print(f"\n{text_table(results)}\n")
    print("Y, U, V, 6:1:1: PSNR in dB. x264 and x265 have our file sizes, as nearly as they can.")
    print(f"Every decoded picture is the encoder's, bit for bit. Curves and pictures: {page}")
    return results


def read_clip(path: str | None, frames: int | None = None) -> Video:
    """Return the pictures of a video, or of the clip that ships with nvczoo."""
    bundled = resources.files("nvczoo.registry") / "demo" / CLIP
    with resources.as_file(bundled) as clip, open_video(path or clip, tracks=False) as reader:
        pictures = tuple(picture for picture, _ in zip(reader, range(frames or sys.maxsize), strict=False))
    return Video(reader.info, pictures)


def qualities_of(model: str) -> Sequence[float]:
    """Return the values of q to show: ``results.demo_q`` in the model's card, or three far apart."""
    found = card_of(model).results.get("demo_q", QUALITIES)
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        raise CardError(f"The card of {model!r} has demo_q = {found!r}; it must be a list of numbers")
    return found


def _ours(codec: VideoCodec, video: Video, q: float, period: int, folder: Path) -> Measurement:
    path = folder / f"{codec.name}-q{q:g}.nvc"
    _tell(f"{codec.name}, q {q:g}: encoding, then decoding in a new process")
    options = EncodeOptions(intra_period=period, picture_checksums=True)
    measured = measure_codec(codec, video, q, options, path)
    _tell(f"  {path}: {measured.result.size} bytes, all {len(video)} pictures equal to the encoder's")
    return measured


def _anchor(
    encoder: anchors.Encoder, video: Video, period: int, ours: Sequence[Measurement]
) -> tuple[Measurement, ...]:
    if not anchors.available(encoder):
        _tell(f"{encoder} is left out: the installed PyAV does not have it")
        return ()
    settings = AnchorSettings(encoder, intra_period=period, threads=torch.get_num_threads())
    _tell(f"{settings.label}: searching the CRF for each size")
    return measure_anchor(video, settings, [one.result for one in ours])


def _tell(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    description = "Compress the clip that ships with nvczoo, check it bit for bit, show what came out."
    parser = argparse.ArgumentParser("nvczoo demo", description=description)
    add = parser.add_argument
    add("-m", "--model", default=MODEL, help=f"model to show (default: {MODEL})")
    add("-i", "--input", help="video to compress (default: the clip that ships with nvczoo)")
    add(
        "-q",
        "--qualities",
        type=float,
        nargs="+",
        help="0 (smallest) to 63 (best) (default: as the model's card says)",
    )
    add("-g", "--intra-period", type=int, default=INTRA_PERIOD, help="frames, or -1 (default: 32)")
    add("--frames", type=int, help="use no more than this many")
    add("--threads", type=int, help="of this process and the anchors (default: as torch chooses)")
    add("-o", "--output", default=FOLDER, help=f"folder to write to (default: {FOLDER})")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
