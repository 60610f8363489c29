"""One job is one sequence, at one point, by one contender. What it asks decides the name of its answer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence as Many
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

import nvczoo
from nvczoo.codec.video import Video
from nvczoo.errors import SettingError, VideoError
from nvczoo.evaluate import vmaf
from nvczoo.evaluate.coded import Coded
from nvczoo.evaluate.contenders import CodingSetting, Contender
from nvczoo.evaluate.measure import conditions_of
from nvczoo.evaluate.metrics import video_quality
from nvczoo.evaluate.records import FrameRecord, Record
from nvczoo.evaluate.results import Result
from nvczoo.evaluate.rgb import named_matrix, psnr_rgb, taken_as
from nvczoo.evaluate.sequences import Sequence
from nvczoo.evaluate.stills import Still, still_path, stills_of
from nvczoo.video.atomic import atomic_output

UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
KEY_DIGITS = 12
SHARD = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class RunSetting:
    """What all jobs of a run share."""

    frames: int | None = 96  # of each sequence, from its first; None: all
    coding: CodingSetting = field(default_factory=CodingSetting)
    rgb: str | None = None  # the matrix of RGB, such as "bt709-full", for PSNR and for codecs of RGB
    vmaf: str | None = None  # an ffmpeg with libvmaf
    stills: bool = True  # keep a frame of each job as a picture, for the report
    threads: int | None = None  # of torch, wherever a job runs; None: as torch or the engine chooses


@dataclass(frozen=True)
class Job:
    """A question with one answer."""

    sequence: Sequence
    contender: Contender
    point: float
    setting: RunSetting

    @property
    def name(self) -> str:
        """What to call it while it runs."""
        return f"{self.sequence.name}, {self.contender.label}, {self.contender.point_name(self.point)}"

    @property
    def key(self) -> str:
        """A hash of all that the answer depends on: it changes when the answer may."""
        coding = self.setting.coding
        question = {
            "sequence": [self.sequence.name, self.sequence.identity],
            "form": [str(self.sequence.size), self.sequence.rate, self.sequence.pixel_format],
            "contender": self.contender.question(),
            "point": self.point,
            "frames": self.setting.frames,
            "intra_period": coding.intra_period,
            "real_bitstream": coding.real_bitstream,
            "rgb": self.setting.rgb,
            "vmaf": self.setting.vmaf is not None,
            "nvczoo": nvczoo.__version__,
        }
        text = json.dumps(question, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]

    def path(self, folder: Path) -> Path:
        """Return where the answer is, or will be."""
        point = self.contender.point_name(self.point).replace(" ", "")
        names = (self.sequence.name, self.contender.label, f"{point}-{self.key}.json")
        return folder.joinpath(*(UNSAFE.sub("_", name) for name in names))

    def done(self, folder: Path) -> Record | None:
        """Return the answer if it is there and whole."""
        path = self.path(folder)
        if not path.is_file():
            return None
        try:
            record = Record.load(path)
        except SettingError:  # of another version, or no work of ours: ask again
            return None
        return record if record.key == self.key else None


@dataclass(frozen=True)
class Answer:
    """What a job found; ``stills`` are pictures for the report, as PNG."""

    record: Record
    stills: tuple[Still, ...]


def plan(
    sequences: Many[Sequence], contenders: Many[Contender], setting: RunSetting, shard: str | None = None
) -> list[Job]:
    """Return the jobs of a run, or of its part ``i/n``: model by model, so that each is loaded once."""
    labels = [contender.label for contender in contenders]
    if len(set(labels)) < len(labels):
        raise SettingError(f"Two of {', '.join(labels)} have one name: their results could not be told apart")
    jobs = [
        Job(sequence, contender, point, setting)
        for contender in contenders
        for sequence in sequences
        for point in contender.points
    ]
    return jobs if shard is None else _part(jobs, shard)


def answer(job: Job) -> Answer:
    """Run a job."""
    if job.setting.threads is not None:
        torch.set_num_threads(job.setting.threads)
    video = job.sequence.read(job.setting.frames)
    if job.setting.rgb is not None:
        video = taken_as(video, job.setting.rgb)
    frame = _shown_frame(job.setting.coding.intra_period, len(video))
    coded = job.contender.code(video, job.point, replace(job.setting.coding, still=frame))
    if len(coded.pictures) != len(video):
        raise VideoError(f"{job.name}: {len(video)} pictures went in, {len(coded.pictures)} came out")
    stills = stills_of(video, coded, frame) if job.setting.stills else ()
    record = replace(_record(job, video, coded), still=frame, still_kinds=tuple(one.kind for one in stills))
    return Answer(record, stills)


def save(job: Job, found: Answer, folder: Path) -> Record:
    """Write an answer: first its pictures, then the file that says it is there."""
    path = job.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    for still in found.stills:
        with atomic_output(
            still_path(path, still.kind, found.record.still or 0), overwrite=True
        ) as temporary:
            temporary.write_bytes(still.png)
    found.record.save(path)
    return found.record


def _part(jobs: list[Job], shard: str) -> list[Job]:
    found = SHARD.fullmatch(shard)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise SettingError(f"The shard is {shard!r}; 1/4 to 4/4 would be the quarters of a run")
    return jobs[int(found[1]) - 1 :: int(found[2])]


def _shown_frame(period: int, frames: int) -> int:
    """Return the last frame before the second intra frame: where errors have piled up most."""
    return (frames if period == -1 else min(period, frames)) - 1


def _record(job: Job, video: Video, coded: Coded) -> Record:
    quality = video_quality(video, coded.pictures)
    mean, setting = quality.mean, job.setting
    matrix = None if setting.rgb is None else named_matrix(setting.rgb)
    fps = tuple(len(video) / seconds for seconds in coded.seconds)
    result = Result(
        codec=job.contender.label,
        point=job.contender.point_name(job.point),
        settings=coded.settings,
        size=coded.size,
        psnr_y=mean.psnr_y,
        psnr_u=mean.psnr_u,
        psnr_v=mean.psnr_v,
        psnr_611=mean.psnr_611,
        ms_ssim=mean.ms_ssim,
        encode_fps=fps[0],
        decode_fps=fps[1],
        psnr_rgb=None if matrix is None else psnr_rgb(video, coded.pictures, matrix),
        vmaf=None if setting.vmaf is None else vmaf.score(setting.vmaf, video, coded.pictures),
    )
    frames = tuple(
        FrameRecord(frame.bits, frame.intra, one.psnr_611, one.psnr_y, frame.parts)
        for frame, one in zip(coded.frames, quality.frames, strict=True)
    )
    conditions = conditions_of(
        video, job.sequence.path.name, setting.coding.intra_period, torch.device(_device(job))
    )
    program = "" if setting.vmaf is None else vmaf.describe(setting.vmaf)
    return Record(
        key=job.key,
        sequence=job.sequence.name,
        group=job.sequence.group,
        identity=coded.identity,
        proof=coded.proof,
        conditions=replace(conditions, rgb=setting.rgb or "", vmaf=program),
        result=result,
        frames=frames,
    )


def _device(job: Job) -> str:
    return str(getattr(job.contender, "device", "cpu"))
