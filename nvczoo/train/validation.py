"""What a stage brought, on clips kept out of training and with the averaged weights."""

import csv
import warnings
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import torch
from torch import Tensor

from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import Rows
from nvczoo.errors import SettingError
from nvczoo.interfaces import Q_MAX
from nvczoo.train.augment import Crop
from nvczoo.train.losses import SEEN, Batch, StageLoss
from nvczoo.train.objective import as_layout, psnr_of
from nvczoo.train.pictures import write_strip
from nvczoo.train.records import STAGES, keep_rows
from nvczoo.train.sampling import ClipSampler
from nvczoo.train.sources import Data
from nvczoo.train.stages import Source, Stage

LEAST_MOTION = 5e-4  # bits per luma sample; a motion codec that has given up sends 1e-4, a good one 1e-2
CLIPS = 16  # that are looked at; always the same
AT_ONCE = 4
QUALITIES = (8.0, 24.0, 40.0, 56.0)  # in turn
SEED = 7919  # of the crops and the noise
STRIP_Q = 40.0


@dataclass(frozen=True)
class Result:
    """A stage's end. Of frames in the mean: bits per luma sample, PSNR in dB, endpoint in luma samples."""

    stage: str
    step: int
    clips: str  # "held out", or "train" where none are
    loss: float
    bpp: float
    motion_bpp: float
    psnr: float
    endpoint: float  # on synthetic pairs; NaN where the codec notes no flow


class NoMotionWarning(UserWarning):
    """The motion codec sends next to nothing: frames are predicted from where things were."""


def warn_of_no_motion(result: Result) -> None:
    """Warn of where motion codecs end if each flow costs bits before it is worth any."""
    if 0 < result.motion_bpp < LEAST_MOTION:
        warnings.warn(
            f"After stage {result.stage!r} motion takes {result.motion_bpp:.5f} bits per pixel on clips "
            f"{result.clips}, next to nothing. Train it first, without its rate: "
            'terms = {prediction = 1.0} with references = "original", as ev-nvc-s does before pairs',
            NoMotionWarning,
            stacklevel=2,
        )


@torch.no_grad()
def validate(loss: StageLoss, data: Data, step: int, device: torch.device) -> Result:
    """Return how the weights that are in place do at a stage's own task."""
    stage = loss.stage
    values, total = _look(loss, data, stage.source, device)
    means = dict(zip(SEEN, values.tolist(), strict=True))
    if stage.frames > 1 and stage.source != "synthetic":
        means["endpoint"] = _endpoint(loss, data, device)
    clips = "held out" if data.held_out else "train"
    psnr = psnr_of(torch.tensor(means["mse"]))
    return Result(stage.name, step, clips, total, means["bpp"], means["motion_bpp"], psnr, means["endpoint"])


def add_result(folder: Path, result: Result) -> None:
    """Append a row to the table of stages; rows of later steps, of a run before, are dropped."""
    path = folder / STAGES
    keep_rows(path, [field.name for field in fields(Result)], result.step - 1)
    with path.open("a", newline="") as file:
        csv.writer(file).writerow(astuple(result))


@torch.no_grad()
def sample_strip(codec: VideoCodec, stage: Stage, data: Data, device: torch.device, target: Path) -> None:
    """Write a held-out clip as it is and as the model decodes it, frame beside frame."""
    crop = Crop(stage.frames, stage.side)
    clip = ClipSampler(data.held_out or data.train, crop, seed=(SEED,)).sample(0, range(1)).clip[0].to(device)
    frames = [as_layout(frame[None], codec.layout) for frame in clip]
    estimate = codec.estimate(torch.stack(frames, 1), STRIP_Q)
    write_strip(frames, [estimate.frames[:, at].float() for at in range(len(frames))], codec.layout, target)


def _endpoint(loss: StageLoss, data: Data, device: torch.device) -> float:
    """Return how far the estimated flow is from the true one, in luma samples; NaN if none can be had."""
    try:
        values, _ = _look(loss, data, "synthetic", device)
    except SettingError:  # no picture is large enough to be set in motion
        return torch.nan
    return float(values[SEEN.index("endpoint")])


def _look(loss: StageLoss, data: Data, source: Source, device: torch.device) -> tuple[Tensor, float]:
    """Return the means that ``SEEN`` names, [4], and the mean loss."""
    stage = loss.stage
    sampler = ClipSampler(data.held_out or data.train, Crop(stage.frames, stage.side), source, (SEED,))
    module = StageLoss(loss.networks, replace(stage, source=source))
    seen, losses = [], []
    torch.manual_seed(SEED)
    for first in range(0, CLIPS, AT_ONCE):
        rows = range(first, first + AT_ONCE)
        sample = sampler.sample(0, rows)
        q = torch.tensor([min(QUALITIES[row % len(QUALITIES)], Q_MAX) for row in rows], device=device)
        flow = None if sample.flow is None else sample.flow.to(device)
        value, frames = module(Batch(sample.clip.to(device), q, Rows(0, AT_ONCE), flow))
        seen.append(frames.nanmean(0))
        losses.append(float(value))
    return torch.stack(seen).nanmean(0).cpu(), sum(losses) / len(losses)
