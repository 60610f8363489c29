"""Coding needs the same numbers on both sides: how they are computed, and how to tell that they are."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nvczoo.codec.frames import image_from_planes
from nvczoo.codec.header import Arithmetic
from nvczoo.codec.packet import crc32c
from nvczoo.codec.wire import MAX_NAME_BYTES
from nvczoo.entropy.streams import BitWriter
from nvczoo.errors import ArithmeticMismatch, SettingError
from nvczoo.interfaces import Setting, SymbolStream
from nvczoo.portable.known_answer import known_answer
from nvczoo.portable.readiness import keep_to_the_reference
from nvczoo.portable.symbols import SixteenBits

if TYPE_CHECKING:
    from nvczoo.codec.video_codec import VideoCodec

# Profiles: IEEE single precision, or convolutions and matrix products of bfloat16, each in the order of the
# encoder's kernels; or integers in the decoder, which are the same in every order (nvczoo/portable).
FLOAT32, BFLOAT16, PORTABLE = "float32", "bfloat16", "portable"
PRECISIONS = (FLOAT32, BFLOAT16)
PROFILES = (*PRECISIONS, PORTABLE)
# oneDNN sums the channels of a 1x1 convolution over 256 and more of them in another order with one
# thread than with two, and in the same order with any number from two on (measured up to 16).
LEAST_THREADS = 2
CPU = torch.device("cpu")
PROBE_SIDE = 128  # pixels; large enough that every kernel runs as it does on real pictures
PROBE_Q = 32.0
PROBE_FRAMES = 2  # one intra, one inter


def checked_precision(precision: str) -> str:
    """Return it; raises SettingError unless it is known."""
    if precision not in PRECISIONS:
        raise SettingError(f"The precision is {precision!r}; known are {', '.join(PRECISIONS)}")
    return precision


@contextmanager
def computing(precision: str, device: torch.device) -> Iterator[None]:
    """Compute in bfloat16 where the precision says so; with float32 as the caller does."""
    with ExitStack() as stack:
        if precision == BFLOAT16:
            stack.enter_context(torch.autocast(device.type, torch.bfloat16))
        yield


@contextmanager
def deterministic(precision: str = FLOAT32, device: torch.device = CPU) -> Iterator[None]:
    """Compute in this precision by the same kernels every time; what was set before is set again after.

    With one thread only, two are used where the order of sums matters: see LEAST_THREADS.
    """
    before = torch.get_float32_matmul_precision()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
        )
        stack.enter_context(enough_threads(precision))
        torch.set_float32_matmul_precision("highest")
        stack.callback(torch.set_float32_matmul_precision, before)
        stack.enter_context(computing(precision, device))
        yield


@contextmanager
def enough_threads(precision: str) -> Iterator[None]:
    """Compute with the threads that a stream needs at least, where the order of sums matters."""
    threads = torch.get_num_threads()
    torch.set_num_threads(threads if precision == PORTABLE else max(threads, LEAST_THREADS))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def limited(stream: SymbolStream, profile: str) -> SymbolStream:
    """Return the stream, its symbols within what the bounds of this profile begin with."""
    return SixteenBits(stream) if profile == PORTABLE else stream


def arithmetic_of(codec: VideoCodec, profile: str) -> Arithmetic:
    """Return what this machine computes with ``codec``: the known answer that a stream's header holds.

    Raises ArithmeticMismatch where a portable codec does not give its known answer.
    """
    own = fingerprint(codec, profile) if profile != PORTABLE else portable_fingerprint(codec)
    return Arithmetic(profile, own, environment(codec.device))


def portable_fingerprint(codec: VideoCodec) -> int:
    """Return the known answer of a portable codec, if this machine gives it: by its quick paths, or without.

    Raises ArithmeticMismatch if neither is right.
    """
    with deterministic(PORTABLE, codec.device):
        found = known_answer(codec.intra, codec.inter)
        if found != codec.known_answer:
            keep_to_the_reference(codec)
            found = known_answer(codec.intra, codec.inter)
    if found != codec.known_answer:
        raise ArithmeticMismatch(
            f"This machine ({environment(codec.device)}) computes {found} where the model {codec.name!r} "
            f"knows {codec.known_answer}, even without its quick paths: integers are not summed up exactly "
            "here. Compute on the CPU, or without what changes the arithmetic of torch"
        )
    return found


def check_arithmetic(stored: Arithmetic, codec: VideoCodec) -> None:
    """Raise ArithmeticMismatch unless this machine computes what the encoder's did."""
    if stored.profile not in PROFILES:
        raise ArithmeticMismatch(
            f"The stream needs the arithmetic {stored.profile!r}, this nvczoo has "
            f"{', '.join(PROFILES)}: install a newer one"
        )
    if (stored.profile == PORTABLE) != (codec.profile == PORTABLE):
        raise ArithmeticMismatch(
            f"The stream needs the arithmetic {stored.profile!r}, and the model {codec.name!r} computes in "
            f"{codec.profile!r}: load the model that made the stream"
        )
    own = arithmetic_of(codec, stored.profile)
    if own.fingerprint != stored.fingerprint:
        raise ArithmeticMismatch(
            "This machine does not compute what the stream's header asks for: the pictures would be noise. "
            f"Encoded with: {stored.environment}. Here is: {own.environment}. Decode with the same versions "
            "on the same kind of processor"
        )


def fingerprint(codec: VideoCodec, precision: str = FLOAT32) -> int:
    """Return the CRC-32C over bits and pictures, as float32, that ``codec`` makes of two known pictures."""
    checksum = 0
    with deterministic(precision, codec.device):
        references = ()
        q = torch.full((1,), PROBE_Q, device=codec.device)
        frames = (codec.intra,) if codec.inter is None else (codec.intra, codec.inter)
        for number, frame_codec in enumerate(frames):
            image = image_from_planes(_probe(number), codec.layout, codec.stride).to(codec.device)
            count = frame_codec.frames_per_step
            image = image if count == 1 else image.unsqueeze(1).expand(-1, count, -1, -1, -1)
            writer = BitWriter(codec.coder)
            setting = Setting(q, codec.padded_size((PROBE_SIDE, PROBE_SIDE)))
            reference = frame_codec.code(image, references, setting, writer)
            references = (reference,) * codec.references_per_step
            for _, data in writer.finish():
                checksum = crc32c(data, checksum)
            decoded = reference.frame.detach().float().contiguous().cpu()
            checksum = crc32c(decoded.numpy().data.cast("B"), checksum)
    return checksum


def environment(device: torch.device) -> str:
    """Return in words what computes here."""
    if device.type == "cuda":
        name = f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}"
    else:
        name = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return f"nvczoo {version('nvczoo')}, torch {torch.__version__}, {name}"[: MAX_NAME_BYTES // 4]


def _probe(number: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return planes with smooth, sharp and noisy places, moved on with ``number``; by integers only."""
    side = PROBE_SIDE
    row = torch.arange(side).unsqueeze(1)
    column = torch.arange(side).unsqueeze(0) + 3 * number
    noise = (row * 7919 + column * 104729) * 2654435761 % 4294967296 >> 27
    y = (row + 2 * column) % 256 ^ (row // 16 + column // 16) % 2 * 96
    y = (y + noise * (row > side // 2)) % 256
    small = slice(None, None, 2)
    u, v = (row * 3 // 2 + 40) % 256 + 0 * column, (column + 90) % 256 + 0 * row
    return y.byte(), u[small, small].byte(), v[small, small].byte()
