"""HM, VTM and VVenC as anchors: programs that the user names, run under the usual low-delay conditions.

All three take the options of the JVET reference software. What is not named here stands in the user's
configuration file, such as HM's ``encoder_lowdelay_main10.cfg`` or VTM's ``encoder_lowdelay_vtm.cfg``.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from nvczoo.codec.video import Video
from nvczoo.errors import SettingError, VideoError
from nvczoo.evaluate.coded import Coded, CodedFrame
from nvczoo.evaluate.sequences import sha256_of
from nvczoo.video.reader import open_video

if TYPE_CHECKING:
    from nvczoo.evaluate.contenders import CodingSetting

PROGRAMS = ("hm", "vtm", "vvenc")
QPS = (22.0, 27.0, 32.0, 37.0, 42.0)
LEVEL = "6.2"  # the highest: a level must not limit what the encoder may do
TIME_LIMIT = 7 * 24 * 3600  # seconds: VTM takes hours for a sequence of 1080p
STDERR_SHOWN = 500  # characters


@dataclass(frozen=True)
class JvetEncoder:
    """An encoder program and its configuration."""

    name: str
    program: Path
    config: Path
    points: tuple[float, ...] = QPS

    @property
    def label(self) -> str:
        """The name and that of the configuration, as in "vtm-encoder_lowdelay_vtm"."""
        return f"{self.name}-{self.config.stem}"

    def point_name(self, point: float) -> str:
        """Return "qp 32"."""
        return f"qp {point:g}"

    def question(self) -> Mapping[str, object]:
        """Return the hashes of program and configuration."""
        return {"anchor": self.name, "program": sha256_of(self.program), "config": sha256_of(self.config)}

    def code(self, video: Video, point: float, setting: CodingSetting) -> Coded:
        """Encode; the pictures are the encoder's own reconstruction, in 8 bits."""
        with tempfile.TemporaryDirectory() as folder:
            source, stream, rebuilt = (Path(folder) / name for name in ("in.yuv", "stream.bin", "rec.yuv"))
            video.save(source)
            options = self._options(video, point, setting.intra_period)
            files = ["-i", str(source), "-b", str(stream), "-o", str(rebuilt)]
            start = time.perf_counter()
            self._run([str(self.program), "-c", str(self.config), *files, *options])
            seconds = time.perf_counter() - start
            size = (video.info.width, video.info.height)
            with open_video(rebuilt, size, video.info.frame_rate) as reader:
                pictures = list(islice(reader, len(video)))
            frames = tuple(
                CodedFrame(None, _intra(number, setting.intra_period)) for number in range(len(video))
            )
            settings = f"{self.program.name} -c {self.config.name} {' '.join(options)}"
            identity = f"{self.name}, program {_digest(self.program)}, configuration {_digest(self.config)}"
            proof = "the encoder's own reconstruction; the stream was not decoded"
            return Coded(
                stream.stat().st_size, pictures, frames, (seconds, float("inf")), settings, identity, proof
            )

    def _options(self, video: Video, qp: float, period: int) -> list[str]:
        """Return the options of the common test conditions of the field (docs/evaluation.md)."""
        info = video.info
        values = {
            "SourceWidth": info.width,
            "SourceHeight": info.height,
            "FrameRate": round(info.frame_rate),  # only its ratio to the rate matters, and that we compute
            "FramesToBeEncoded": len(video),
            "QP": f"{qp:g}",
            "IntraPeriod": period,
            "InputBitDepth": 8,
            "OutputBitDepth": 8,
            "Level": LEVEL,
        }
        if self.name != "vvenc":  # which has only "none" for low delay, as its configurations say
            values["DecodingRefreshType"] = 2
        return [f"--{name}={value}" for name, value in values.items()]

    def _run(self, command: list[str]) -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VideoError(f"{self.program} cannot be run: {error}") from error
        if done.returncode:
            told = (done.stderr.strip() or done.stdout.strip())[-STDERR_SHOWN:]
            raise VideoError(f"{self.program} failed with exit code {done.returncode}: {told}")


def jvet_encoder(text: str, qps: tuple[float, ...] = ()) -> JvetEncoder:
    """Return what ``vtm=PROGRAM,CONFIGURATION`` names; raises SettingError."""
    name, _, places = text.partition("=")
    program, _, config = places.partition(",")
    if name not in PROGRAMS or not program or not config:
        known = " or ".join(f"{one}=PROGRAM,CONFIGURATION" for one in PROGRAMS)
        raise SettingError(f"{text!r} names no encoder: write {known}")
    found = shutil.which(program)
    if found is None:
        raise SettingError(f"There is no program {program!r} that can be run")
    if not Path(config).is_file():
        raise SettingError(f"There is no configuration {config!r}")
    return JvetEncoder(name, Path(found), Path(config), qps or QPS)


def _intra(number: int, period: int) -> bool:
    return number == 0 if period == -1 else number % period == 0


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
