"""How near decoded pictures are to the original ones: PSNR of each plane, and MS-SSIM of luma."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from math import log10

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.errors import ShapeError
from nvczoo.video.picture import Picture

PEAK = 255
PSNR_CAP = 100.0  # dB; identical planes have an infinite PSNR, which would swallow every mean it enters
PSNR_WEIGHTS = (6, 1, 1)  # Y, U, V

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # finest first: Wang et al. 2003, section 3.2
WINDOW, SIGMA = 11, 1.5  # samples: Wang et al. 2004, section III.B
STABILISERS = ((0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2)  # C1, C2: Wang et al. 2004, section III.B
MS_SSIM_MIN_SIDE = (WINDOW - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1  # 161: the window fits the last scale


@dataclass(frozen=True)
class FrameQuality:
    """What one decoded picture is worth; PSNR in dB.

    ``ms_ssim`` is None if a side has fewer than 161 samples: five scales do not fit, and a value of
    fewer scales could not be compared with anybody's.
    """

    psnr_y: float
    psnr_u: float
    psnr_v: float
    ms_ssim: float | None = None

    @property
    def psnr_611(self) -> float:
        """(6 Y + U + V) / 8 of the PSNRs of the planes, as the codecs of the DCVC family report it."""
        weighted = zip(PSNR_WEIGHTS, (self.psnr_y, self.psnr_u, self.psnr_v), strict=True)
        return sum(weight * psnr for weight, psnr in weighted) / sum(PSNR_WEIGHTS)


@dataclass(frozen=True)
class VideoQuality:
    """The quality of each picture, and the mean over them: the mean of PSNRs, not the PSNR of the mean."""

    frames: tuple[FrameQuality, ...]

    @property
    def mean(self) -> FrameQuality:
        """The mean of each value; MS-SSIM is None if it is so for any picture."""
        similarities = [frame.ms_ssim for frame in self.frames if frame.ms_ssim is not None]
        complete = len(similarities) == len(self.frames)
        return FrameQuality(
            _mean([frame.psnr_y for frame in self.frames]),
            _mean([frame.psnr_u for frame in self.frames]),
            _mean([frame.psnr_v for frame in self.frames]),
            _mean(similarities) if complete else None,
        )


def video_quality(original: Iterable[Picture], decoded: Iterable[Picture]) -> VideoQuality:
    """Return the quality of all pictures; raises ShapeError unless there are as many of both, and one."""
    frames: list[FrameQuality] = []
    for number, (mine, theirs) in enumerate(zip_longest(original, decoded)):
        if mine is None or theirs is None:
            which = "decoded" if mine is not None else "original"
            raise ShapeError(f"There are only {number} {which} pictures; both videos need the same number")
        frames.append(frame_quality(mine, theirs))
    if not frames:
        raise ShapeError("There are no pictures to compare")
    return VideoQuality(tuple(frames))


def frame_quality(original: Picture, decoded: Picture, similarity: bool = True) -> FrameQuality:
    """Return PSNR of the planes and, if wanted, MS-SSIM of luma, if the picture is large enough for it."""
    y, u, v = (psnr(*pair) for pair in zip(original.planes, decoded.planes, strict=True))
    large = similarity and min(original.width, original.height) >= MS_SSIM_MIN_SIDE
    return FrameQuality(y, u, v, ms_ssim(original.y, decoded.y) if large else None)


def psnr(original: Tensor, decoded: Tensor) -> float:
    """Return 10 log10(255² / MSE) of two uint8 planes [H, W], at most 100 dB."""
    _check(original, decoded)
    error = original.int() - decoded.int()
    squares = int((error * error).sum(dtype=torch.int64))
    if squares == 0:
        return PSNR_CAP
    return min(PSNR_CAP, 10 * log10(PEAK**2 * error.numel() / squares))


def ms_ssim(original: Tensor, decoded: Tensor) -> float:
    """Return the multi-scale structural similarity of two uint8 planes [H, W], 1 if they are the same.

    Wang, Simoncelli, Bovik: Multi-scale structural similarity for image quality assessment, Asilomar
    2003, equation 7; windows where they fit. Negative factors count as 0, and odd sides are padded with
    zeros before they are halved, as in pytorch-msssim, which the field's figures come from.
    """
    _check(original, decoded)
    if min(original.shape) < MS_SSIM_MIN_SIDE:
        raise ShapeError(
            f"MS-SSIM of five scales needs sides of {MS_SSIM_MIN_SIDE} samples, not {list(original.shape)}"
        )
    pair = torch.stack((original, decoded)).unsqueeze(1).double()  # [2, 1, H, W]
    factors: list[float] = []
    for scale in range(len(SCALE_WEIGHTS)):
        if scale:
            odd = [side % 2 for side in pair.shape[-2:]]
            pair = F.avg_pool2d(pair, 2, padding=odd)
        luminance, contrast = similarity(pair)
        coarsest = scale == len(SCALE_WEIGHTS) - 1
        factors.append(float(((luminance * contrast) if coarsest else contrast).mean()))
    product = 1.0
    for factor, weight in zip(factors, SCALE_WEIGHTS, strict=True):
        product *= max(factor, 0.0) ** weight
    return product


def similarity(pair: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maps of luminance, and of contrast and structure, of [2, 1, H, W]."""
    x, y = pair
    mean_x, mean_y, xx, yy, xy = _blurred(torch.stack((x, y, x * x, y * y, x * y)))
    c1, c2 = STABILISERS
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    variances = xx - mean_x**2 + yy - mean_y**2
    contrast = (2 * (xy - mean_x * mean_y) + c2) / (variances + c2)
    return luminance, contrast


def _blurred(maps: Tensor) -> Tensor:
    """Return [N, 1, H - 10, W - 10]: Gaussian means, by rows and by columns."""
    distance = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    window = torch.exp(-(distance**2) / (2 * SIGMA**2))
    weights = (window / window.sum()).tolist()
    return _weighted(_weighted(maps, -2, weights), -1, weights)


def _weighted(maps: Tensor, axis: int, weights: list[float]) -> Tensor:
    """Return the sums of shifted maps: twenty times as fast as a convolution with one channel."""
    length = maps.shape[axis] - len(weights) + 1
    total = maps.narrow(axis, 0, length) * weights[0]
    for shift, weight in enumerate(weights[1:], 1):
        total.add_(maps.narrow(axis, shift, length), alpha=weight)
    return total


def _check(original: Tensor, decoded: Tensor) -> None:
    for plane in (original, decoded):
        if plane.dtype != torch.uint8 or plane.ndim != 2 or plane.numel() == 0:
            raise ShapeError(f"A plane is uint8 [H, W] and not empty, not {plane.dtype} {list(plane.shape)}")
    if original.shape != decoded.shape:
        raise ShapeError(
            f"The planes are {list(original.shape)} and {list(decoded.shape)}; compare pictures of one size"
        )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
