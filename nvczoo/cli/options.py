"""What several verbs take, and the values behind it."""

from __future__ import annotations

import argparse
import re
import tomllib
import warnings
from typing import TYPE_CHECKING, Any

from nvczoo.cli.text import tell
from nvczoo.errors import SettingError, UnsupportedStream

if TYPE_CHECKING:
    from nvczoo.codec.video_codec import VideoCodec
    from nvczoo.evaluate.engines import Engine
    from nvczoo.model import Model

Q_LOW, Q_HIGH = 0.0, 63.0  # as nvczoo.interfaces has them, whose import would bring torch
LOCAL = "local"  # the engine that runs jobs in this process
PRECISIONS = ("float32", "bfloat16")  # as nvczoo.codec.arithmetic has them, whose import would bring torch
ARITHMETICS = FLOAT, PORTABLE = ("float", "portable")
LAYERS = ("all", "base")  # as nvczoo.codec.scalable has them
FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
OWN_KEYWORDS = ("name", "q", "device", "parts", "precision")  # of nvczoo.load: no names of parts


def quality(text: str) -> float:
    """Return a value of q."""
    try:
        q = float(text)
    except ValueError:
        q = -1.0
    if not Q_LOW <= q <= Q_HIGH:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no q; give a number from {Q_LOW:g} (smallest) to {Q_HIGH:g} (best)"
        )
    return q


def count(text: str) -> int:
    """Return a number of frames or threads, at least 1."""
    return _integer(text, 1)


def index(text: str) -> int:
    """Return the number of a frame, from 0."""
    return _integer(text, 0)


def size(text: str) -> tuple[int, int]:
    """Return width and height."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; 352x288 would be")
    return int(found[1]), int(found[2])


def amount(text: str) -> float:
    """Return a positive number with k, M or G for 10³, 10⁶ or 10⁹: 800k, 1.5M."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?)([kKMG]?)", text)
    if found is None or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount; 800k or 1.5M would be")
    return float(found[1]) * FACTORS[found[2].lower()]


def share(text: str) -> float:
    """Return how much of a machine a job has: 0 or more, a fraction of a GPU for instance."""
    if re.fullmatch(r"\d{1,4}(?:\.\d{1,4})?", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processors; 2 or 0.5 would be")
    return float(text)


def size_or_bytes(text: str) -> tuple[int, int] | float:
    """Return width and height of "352x288", or the bytes of "10M"."""
    return size(text) if "x" in text else amount(text)


def part(text: str) -> tuple[str, Any]:
    """Return name and value of a part: ``gop.long_term=8`` or ``motion_estimator={name = "spynet"}``."""
    name, equals, value = text.partition("=")
    if not name or not equals or name in OWN_KEYWORDS:
        raise argparse.ArgumentTypeError(f"{text!r} names no part; motion_estimator=block-matching would")
    return name, part_value(value)


def part_value(text: str) -> Any:
    """Return a number, truth value, list or table in TOML; anything else is a name."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def add_model_arguments(parser: argparse.ArgumentParser, default: str | None, model_help: str) -> None:
    """Add what says which model computes, and where."""
    parser.add_argument("-m", "--model", default=default, help=model_help)
    add_computing_arguments(parser)


def add_computing_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says how a model is loaded, and where it computes."""
    add = parser.add_argument
    add(
        "--part",
        type=part,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="swap a part or set an option of the model, by name or path; VALUE is a name or TOML "
        "(may be repeated)",
    )
    add("--device", default="cpu", help="cpu or cuda (default: cpu)")
    add("--quiet", action="store_true", help="tell errors only")
    add("--threads", type=count, metavar="N", help="of the CPU (default: as torch chooses)")


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says where jobs run."""
    group = parser.add_argument_group("where jobs run")
    add = group.add_argument
    add("--engine", default=LOCAL, help="local or ray (default: local)")
    add("--address", help="of a Ray cluster (default: that in RAY_ADDRESS, or else one made here)")
    add("--cpus", type=share, default=1.0, help="of each job on Ray (default: 1)")
    add("--gpus", type=share, help="of each job on Ray (default: 1 with --device cuda, else 0)")


def engine_from(arguments: argparse.Namespace) -> Engine:
    """Return the engine that the arguments name; raises SettingError."""
    from nvczoo.evaluate.engines import engine_of

    gpus = arguments.gpus
    if gpus is None:
        gpus = float(arguments.device.startswith("cuda"))
    return engine_of(arguments.engine, arguments.address, arguments.cpus, gpus)


def add_precision_argument(parser: argparse.ArgumentParser) -> None:
    """Add what says how an encoder computes; a decoder learns it from the stream."""
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help="of convolutions; bfloat16 is faster where the processor can, and loses some quality "
        "(default: %(default)s)",
    )


def add_arithmetic_argument(parser: argparse.ArgumentParser) -> None:
    """Add what says which arithmetic a stream must have; the model has it or has not."""
    parser.add_argument(
        "--arithmetic",
        choices=ARITHMETICS,
        help="that the stream has to have: portable decodes anywhere and takes a model that nvczoo quantize "
        "made, float only where it was encoded (default: as the model is)",
    )


def load_model(name: str, arguments: argparse.Namespace, parts: dict[str, Any] | None = None) -> Model:
    """Return the trained model, with the parts that the arguments swap."""
    import nvczoo

    _set_threads(arguments.threads)
    wanted = dict(arguments.part) | (parts or {})
    by_path = {path: value for path, value in wanted.items() if "." in path}
    by_name = {path: value for path, value in wanted.items() if "." not in path}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", nvczoo.SwappedPartWarning)
        precision = getattr(arguments, "precision", PRECISIONS[0])
        codec = nvczoo.load(name, device=arguments.device, parts=by_path, precision=precision, **by_name)
    for one in caught:
        if not arguments.quiet:
            tell(f"warning: {one.message}")
    _check_arithmetic(codec, getattr(arguments, "arithmetic", None))
    return codec


def _check_arithmetic(codec: Model, wanted: str | None) -> None:
    """Raise SettingError unless the model computes as wanted."""
    portable = codec.known_answer is not None
    if wanted == PORTABLE and not portable:
        raise SettingError(
            f"--arithmetic portable needs a portable model, and {codec.name!r} computes in floating point: "
            f"make one by 'nvczoo quantize {codec.name} -d CLIPS -o FOLDER' and encode by -m local-dir:FOLDER"
        )
    if wanted == FLOAT and portable:
        from nvczoo.cards import MADE_FROM

        original = codec.card.portable.get(MADE_FROM, codec.card.name.removesuffix("-portable"))
        raise SettingError(
            f"--arithmetic float needs a model in floating point, and {codec.name!r} is portable: it is made "
            f"of {original!r}, so encode by -m {original}"
        )


def load_decoder(name: str, arguments: argparse.Namespace) -> VideoCodec:
    """Return the model of the arguments or, where these name none, the one that the stream names."""
    from nvczoo.loading import load_for_stream

    if arguments.model is not None:
        return load_model(arguments.model, arguments)
    if arguments.part:
        raise SettingError("--part swaps parts of the model that -m names: name it, as when encoding")
    _set_threads(arguments.threads)
    try:
        return load_for_stream(name, arguments.device)
    except UnsupportedStream as error:
        raise UnsupportedStream(f"{error}. Here, -m names it") from error


def _integer(text: str, least: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of {least} or more")
    return int(text)


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
