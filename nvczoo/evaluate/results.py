"""Figures, and the conditions without which they mean nothing."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from nvczoo.errors import SettingError
from nvczoo.evaluate.metrics import PSNR_WEIGHTS, FrameQuality
from nvczoo.video.atomic import atomic_output

FORMAT = 1  # of the JSON; another number means that a field was removed or changed its meaning
MAX_JSON_BYTES = 1 << 24
METRICS = {  # what a curve can be drawn of -> its name and unit
    "psnr_611": "PSNR 6:1:1, dB",
    "psnr_y": "PSNR Y, dB",
    "psnr_u": "PSNR U, dB",
    "psnr_v": "PSNR V, dB",
    "ms_ssim": "MS-SSIM, luma",
    "psnr_rgb": "PSNR RGB, dB",
    "vmaf": "VMAF",
}


@dataclass(frozen=True)
class Conditions:
    """What all results of a set share."""

    clip: str
    width: int
    height: int
    frames: int
    frame_rate: str  # a fraction, such as "30000/1001"
    intra_period: int  # -1: only the first frame
    threads: int
    device: str
    versions: tuple[tuple[str, str], ...]  # what, which
    pictures: str = "8-bit 4:2:0, compared as stored: nothing cropped, scaled or converted"
    psnr: str = f"mean over frames; weights of Y, U, V {':'.join(map(str, PSNR_WEIGHTS))}"
    ms_ssim: str = "luma, five scales, mean over frames"
    rate: str = "bytes of the whole file; of the anchors, the elementary stream without signature"
    rgb: str = ""  # how planes became RGB for ``psnr_rgb``; empty: they did not
    vmaf: str = ""  # which program and model; empty: none

    def kbps(self, size: int) -> float:
        """Return kbit/s of ``size`` bytes."""
        return float(size * 8 * Fraction(self.frame_rate) / self.frames / 1000)

    def bpp(self, size: int) -> float:
        """Return bits per luma sample of ``size`` bytes."""
        return size * 8 / (self.frames * self.width * self.height)


@dataclass(frozen=True)
class Result:
    """One codec at one point; PSNR in dB."""

    codec: str
    point: str  # where on the curve, such as "q 32"; an anchor has that of the result it is matched to
    settings: str  # all that is needed to repeat it: model identity and q, or an encoder's options
    size: int  # bytes
    psnr_y: float
    psnr_u: float
    psnr_v: float
    psnr_611: float
    ms_ssim: float | None  # None: the pictures are too small
    encode_fps: float
    decode_fps: float
    psnr_rgb: float | None = None
    vmaf: float | None = None

    def quality(self, metric: str) -> float | None:
        """Return one of ``METRICS`` by name; raises SettingError for another."""
        if metric not in METRICS:
            raise SettingError(f"There is no metric {metric!r}; known are {', '.join(METRICS)}")
        return getattr(self, metric)


@dataclass(frozen=True)
class ResultSet:
    """Results under the same conditions."""

    conditions: Conditions
    results: tuple[Result, ...]

    @property
    def codecs(self) -> tuple[str, ...]:
        """The codecs, in order of their first result."""
        return tuple(dict.fromkeys(result.codec for result in self.results))

    def of(self, codec: str) -> tuple[Result, ...]:
        """Return the results of one codec."""
        return tuple(result for result in self.results if result.codec == codec)

    def to_json(self) -> str:
        """Return JSON that ``from_json`` reads, with rates worked out for other readers."""
        conditions = self.conditions
        rows = [
            asdict(one) | {"kbps": conditions.kbps(one.size), "bpp": conditions.bpp(one.size)}
            for one in self.results
        ]
        table = {"format": FORMAT, "conditions": asdict(conditions), "results": rows}
        return json.dumps(table, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ResultSet:
        """Return what ``to_json`` wrote; raises SettingError for anything else."""
        try:
            table: dict[str, Any] = json.loads(text)
            if table["format"] != FORMAT:
                raise SettingError(
                    f"The results have format {table['format']!r}; this version reads {FORMAT}"
                )
            versions = tuple((str(name), str(version)) for name, version in table["conditions"]["versions"])
            conditions = Conditions(**{**table["conditions"], "versions": versions})
            rows = ({k: v for k, v in row.items() if k not in ("kbps", "bpp")} for row in table["results"])
            return cls(conditions, tuple(Result(**row) for row in rows))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, SettingError):
                raise
            raise SettingError(f"This is no JSON of results: {error!r}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON, whole or not at all."""
        with atomic_output(path, overwrite=True) as temporary:
            temporary.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ResultSet:
        """Return the results in a file; raises SettingError."""
        file = Path(path)
        try:
            if file.stat().st_size > MAX_JSON_BYTES:
                raise SettingError(f"{str(file)!r} has more than {MAX_JSON_BYTES} bytes: it holds no results")
            return cls.from_json(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{str(file)!r} cannot be read: {error}") from error


def result_of(
    codec: str, point: str, settings: str, size: int, quality: FrameQuality, fps: tuple[float, float]
) -> Result:
    """Return a result, given mean quality and (encode, decode) frames per second."""
    return Result(
        codec,
        point,
        settings,
        size,
        quality.psnr_y,
        quality.psnr_u,
        quality.psnr_v,
        quality.psnr_611,
        quality.ms_ssim,
        *fps,
    )
