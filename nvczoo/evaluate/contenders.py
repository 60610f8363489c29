"""What can be measured: a model with swapped parts, or an encoder of libav. Plain values, fit to be sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from nvczoo.codec.arithmetic import FLOAT32
from nvczoo.codec.video import Video
from nvczoo.errors import SettingError
from nvczoo.evaluate import anchors, vvenc
from nvczoo.evaluate.anchors import PRESETS, AnchorSettings
from nvczoo.evaluate.coded import Coded, CodedFrame
from nvczoo.evaluate.ffmpeg import find_ffmpeg
from nvczoo.evaluate.jvet import jvet_encoder
from nvczoo.evaluate.model_coding import code_with_model
from nvczoo.evaluate.sequences import sha256_of
from nvczoo.evaluate.vvenc import VvencEncoder
from nvczoo.sources import card_of

POINT_NUMBER = re.compile(r"\d+(?:\.\d+)?")
CRFS = {  # six points that overlap with each other's in quality
    "x264": (20.0, 25.0, 30.0, 35.0, 40.0, 45.0),
    "x265": (20.0, 25.0, 30.0, 35.0, 40.0, 45.0),
    "svtav1": (20.0, 28.0, 36.0, 44.0, 52.0, 60.0),
}
QS = (4.0, 16.0, 28.0, 40.0, 52.0, 63.0)


class Contender(Protocol):
    """Codes a video at a point of its curve."""

    @property
    def label(self) -> str:
        """Its name in tables."""
        ...

    @property
    def points(self) -> tuple[float, ...]:
        """Where on its curve it is measured."""
        ...

    def point_name(self, point: float) -> str:
        """Return the name of a point, such as "q 32"."""
        ...

    def question(self) -> Mapping[str, object]:
        """Return all that decides what it will do, as plain values: the same gives the same result."""
        ...

    def code(self, video: Video, point: float, setting: CodingSetting) -> Coded:
        """Encode and decode."""
        ...


@dataclass(frozen=True)
class CodingSetting:
    """What all contenders of a run share."""

    intra_period: int = 32  # frames; -1: only the first
    real_bitstream: bool = False  # prove each stream in a process of its own
    still: int | None = None  # the frame whose pictures are kept


@dataclass(frozen=True)
class ModelContender:
    """A model of ``nvczoo.load``; ``parts`` are swaps by path as JSON, ``label`` tells variants apart."""

    model: str
    label: str
    points: tuple[float, ...] = QS
    parts: tuple[tuple[str, str], ...] = ()
    device: str = "cpu"
    precision: str = FLOAT32

    def point_name(self, point: float) -> str:
        """Return "q 32"."""
        return f"q {point:g}"

    def question(self) -> Mapping[str, object]:
        """Return card and weights: a model trained anew is another question."""
        card = card_of(self.model)
        weights = card.weights
        identity = weights and (
            sha256_of(weights.file) if weights.file else weights.sha256 or str(weights.place)
        )
        return {
            "model": self.model,
            "card": card.canonical,
            "gop": str(card.gop),
            "weights": identity,
            "parts": self.parts,
            "device": self.device,  # another one computes another stream, and so does another precision
            "precision": self.precision,
        }

    def code(self, video: Video, point: float, setting: CodingSetting) -> Coded:
        """Encode with the model, and decode what came out."""
        return code_with_model(self, video, point, setting)


@dataclass(frozen=True)
class AnchorContender:
    """x264, x265 or SVT-AV1 with constant rate factor."""

    settings: AnchorSettings
    points: tuple[float, ...]

    @property
    def label(self) -> str:
        """The encoder and its preset, as in "x265-medium"."""
        return f"{self.settings.encoder}-{self.settings.preset}"

    def point_name(self, point: float) -> str:
        """Return "crf 28"."""
        return f"{self.settings.mode} {point:g}"

    def question(self) -> Mapping[str, object]:
        """Return the options, without rate and period, which every job states itself."""
        return {"anchor": str(replace(self.settings, rate=self.points[0], intra_period=1))}

    def code(self, video: Video, point: float, setting: CodingSetting) -> Coded:
        """Encode and decode by libav."""
        settings = replace(self.settings, rate=point, intra_period=setting.intra_period)
        stream = anchors.encode(video, settings)
        pictures, seconds = anchors.decode(stream)
        period = setting.intra_period
        frames = tuple(
            CodedFrame(8 * len(data), number == 0 if period == -1 else number % period == 0)
            for number, data in enumerate(stream.packets)
        )
        proof = "decoded by libav from the packets"
        identity = settings.encoder
        return Coded(
            stream.size, pictures, frames, (stream.encode_seconds, seconds), str(settings), identity, proof
        )


def anchor_contender(text: str, threads: int = 1, ffmpeg: str | None = None) -> Contender:
    """Return the anchor that a text names; raises SettingError.

    ``x265``, ``x265-slow``, ``svtav1-8@24,36,48,60`` (CRF), ``vvenc-fast@22,27,32,37`` (QP, by an ffmpeg
    with libvvenc), ``vtm=EncoderApp,lowdelay.cfg@22,27,32,37``.
    """
    name, _, points = text.partition("@")
    rates = _rates(points, text) if points else ()
    if "=" in name:
        return jvet_encoder(name, rates)
    encoder, _, preset = name.partition("-")
    if encoder == "vvenc":
        program = find_ffmpeg("libvvenc", ffmpeg)
        return VvencEncoder(program, preset or VvencEncoder.preset, rates or vvenc.QPS, threads)
    if encoder not in PRESETS:
        known = ", ".join((*PRESETS, "vvenc", "hm=PROGRAM,CFG", "vtm=PROGRAM,CFG", "vvenc=PROGRAM,CFG"))
        raise SettingError(f"There is no anchor {encoder!r}; known are {known}")
    settings = AnchorSettings(encoder, preset or PRESETS[encoder], threads=threads)  # pyright: ignore
    if not anchors.available(settings.encoder):
        raise SettingError(f"The installed PyAV has no {anchors.LIBRARIES[settings.encoder]}")
    return AnchorContender(settings, rates or CRFS[encoder])


def model_contender(
    model: str,
    label: str | None = None,
    points: Sequence[float] = QS,
    swaps: Mapping[str, Any] | None = None,
    device: str = "cpu",
    precision: str = FLOAT32,
) -> ModelContender:
    """Return a model with other parts, by name or path; its label tells a precision that is not the usual."""
    parts = tuple(sorted((path, json.dumps(value, sort_keys=True)) for path, value in (swaps or {}).items()))
    usual = model if precision == FLOAT32 else f"{model}-{precision}"
    return ModelContender(model, label or usual, tuple(points), parts, device, precision)


def _rates(text: str, whole: str) -> tuple[float, ...]:
    rates = text.split(",")
    if not all(POINT_NUMBER.fullmatch(one) for one in rates):
        raise SettingError(f"{whole!r}: after @ stand rates such as 22,27,32,37")
    return tuple(float(one) for one in rates)
