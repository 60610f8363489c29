"""Settings under which floats may come out otherwise, and a process that codes under one of them.

By hand: ``python matrix.py MODEL STREAM...`` decodes, ``python matrix.py MODEL CLIP... --to FOLDER`` encodes,
with the setting in the environment and in NVCZOO_MATRIX.
"""

import argparse
import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

import nvczoo
from nvczoo.codec import decoder
from nvczoo.codec.container import StreamReader
from nvczoo.codec.files import EncodeOptions
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import BitReader
from nvczoo.errors import NvczooError
from nvczoo.interfaces import Distribution
from nvczoo.interfaces import Setting as Coding

OTHER_PYTHON = "NVCZOO_OTHER_PYTHON"  # an interpreter with another PyTorch, and nvczoo
CHOICES = "NVCZOO_MATRIX"
TIMEOUT = 1800  # seconds


@dataclass(frozen=True)
class Setting:
    """Where a stream is decoded: variables of the environment, and what is set from within."""

    environment: dict[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()  # of "without-onednn", "contiguous", "batch-4", "unchecked", "compiled"
    python: str = sys.executable


SETTINGS = {
    "as encoded": Setting(),
    "1 thread": Setting({"OMP_NUM_THREADS": "1"}, ("1-thread",)),
    "2 threads": Setting({"OMP_NUM_THREADS": "2"}),
    "capability default": Setting({"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}),
    "capability avx2": Setting({"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}),
    "capability avx512": Setting({"ATEN_CPU_CAPABILITY": "avx512"}),
    "without oneDNN": Setting(choices=("without-onednn",)),
    "contiguous": Setting(choices=("contiguous",)),
    "batch of four": Setting(choices=("batch-4",)),
    "compiled": Setting(choices=("compiled",)),
}


@dataclass(frozen=True)
class Outcome:
    """What came of a stream: pictures by their digest and the number of them, or why there are none."""

    digest: str
    frames: int
    error: str = ""


def settings() -> dict[str, Setting]:
    """Return all settings that can be had here."""
    other = os.environ.get(OTHER_PYTHON)
    return SETTINGS | ({"another PyTorch": Setting(python=other)} if other else {})


def decoded_under(setting: Setting, model: Path | str, streams: Sequence[Path], *more: str) -> list[Outcome]:
    """Return what a fresh process makes of each stream."""
    lines = _under(setting, [str(model), *map(str, streams)], more).splitlines()
    return [Outcome(**json.loads(line)) for line in lines if line.startswith("{")]


def encoded_under(
    setting: Setting, model: Path | str, clips: Sequence[Path], folder: Path, frames: int, q: float
) -> list[Path]:
    """Return streams with checksums of their pictures that a fresh process writes into ``folder``."""
    options = ("--to", str(folder), "--frames", str(frames), "--q", str(q))
    _under(setting, [str(model), *map(str, clips), *options])
    return [folder / f"{clip.stem}.nvc" for clip in clips]


def _under(setting: Setting, arguments: Sequence[str], more: Sequence[str] = ()) -> str:
    """Return what a fresh process says."""
    environment = {**os.environ, **setting.environment, CHOICES: ",".join((*setting.choices, *more))}
    command = [setting.python, "-W", "ignore", __file__, *arguments]
    run = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def main(arguments: argparse.Namespace, choices: Sequence[str]) -> None:
    """Print the outcome of each stream, or write one of each clip."""
    if "without-onednn" in choices:
        torch.backends.mkldnn.set_flags(False)
    if "1-thread" in choices:
        torch.set_num_threads(1)
        _patch("nvczoo.codec.arithmetic", "LEAST_THREADS", 1)
    if "unchecked" in choices:
        _patch("nvczoo.codec.decoder", "check_arithmetic", lambda *_: None)
    if "batch-4" in choices:
        _patch("nvczoo.codec.decoder", "Setting", four)
    reader = Fourfold if "batch-4" in choices else BitReader
    codec = nvczoo.load(arguments.model)
    if "contiguous" in choices:
        codec.to(memory_format=torch.contiguous_format)
    if "compiled" in choices:
        for one in (codec.intra, codec.inter):
            if one is not None:
                one.get_submodule("synthesis").compile()
    for path in arguments.files:
        if arguments.to is None:
            print(json.dumps(vars(outcome(codec, path, reader))), flush=True)
        else:
            options = EncodeOptions(frames=arguments.frames, picture_checksums=True)
            (arguments.to / f"{path.stem}.nvc").write_bytes(codec.encode(path, arguments.q, options))


def outcome(codec: VideoCodec, stream: Path, reader_type: type[BitReader]) -> Outcome:
    """Return what the codec makes of a stream, picture by picture until something is wrong."""
    session, planes, frames = decoder.DecoderSession(codec, reader=reader_type), [], 0
    with stream.open("rb") as file:
        reader = StreamReader(file)
        try:
            session.push(reader.header)
            for packet in reader:
                for picture in session.push(packet):
                    frames += 1
                    planes += picture.planes
        except NvczooError as error:
            return Outcome(digest_of(planes), frames, str(error))
    return Outcome(digest_of(planes), frames)


def digest_of(planes: Sequence[Tensor]) -> str:
    """Return the SHA-256 over planes of pictures."""
    digest = hashlib.sha256()
    for plane in planes:
        digest.update(plane.contiguous().numpy().data)
    return digest.hexdigest()


def _patch(module: str, name: str, value: object) -> None:
    setattr(importlib.import_module(module), name, value)


class First:
    """What one of four equal examples is coded by."""

    def __init__(self, distribution: Distribution) -> None:
        self._distribution, self.table = distribution, distribution.table

    def indexes(self) -> Tensor:
        indexes = self._distribution.indexes()
        assert all(torch.equal(indexes[:1], one) for one in indexes.split(1))
        return indexes[:1]


class Fourfold(BitReader):
    """Decodes one picture, and shows the networks four of it."""

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        mask = None if mask is None else mask[:1]
        found = super().code(name, values, First(distribution), mask)  # pyright: ignore[reportArgumentType]
        return found.repeat(4, 1, 1, 1).contiguous(memory_format=torch.channels_last)


def four(q: Tensor, *rest: object) -> Coding:
    """Return a setting for four examples."""
    return Coding(q.repeat(4), *rest)  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--to", type=Path)
    parser.add_argument("--frames", type=int)
    parser.add_argument("--q", type=float)
    main(parser.parse_args(), os.environ.get(CHOICES, "").split(","))
