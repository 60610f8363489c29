"""Stretching what there is: other scales, speeds, directions, lights."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional as F

from nvczoo.train.clips import Clip, Window

SHRINK_CHANCE = 0.5  # of shrinking a clip: new content, sharper, and coding noise gone
MAX_SHRINK = 4.0
SKIP_CHANCE = 0.3
MAX_SKIP = 4  # frames from one to the next that is trained on, at most
CONTRAST = (0.8, 1.4)  # most clips are softer than what codecs are measured on
BRIGHTNESS = (-0.05, 0.05)
GAMMA = (0.85, 1.2)
SATURATION = (0.7, 1.6)  # strong colours are rare in most clips
HUE_CHANCE = 0.5  # of turning the hues: few scenes have most of the colours
EVEN = 0.5  # chance of a flip


@dataclass(frozen=True)
class Crop:
    """What to cut out of a clip: frames, and the side of the square in luma samples."""

    frames: int
    side: int


@dataclass(frozen=True)
class Pictures:
    """Pictures in 0..1: luma [T, 1, H, W] and chroma [T, 2, H/2, W/2]."""

    luma: Tensor
    chroma: Tensor

    def packed(self) -> Tensor:
        """Return [T, 6, H/2, W/2], the layout ``packed420``."""
        return torch.cat((F.pixel_unshuffle(self.luma, 2), self.chroma), 1)


def draw_window(clip: Clip, crop: Crop, draw: Generator) -> Window:
    """Return a random place in one shot of a clip; its side may be larger than that of the crop."""
    largest = min(MAX_SHRINK, min(clip.height, clip.width) / crop.side)
    factor = draw.uniform(1.0, largest) if largest > 1 and draw.random() < SHRINK_CHANCE else 1.0
    side = 2 * int(crop.side * factor / 2)
    shots = [shot for shot in clip.shots if shot[1] >= crop.frames]
    first, count = shots[draw.choice(len(shots), p=_shares([shot[1] for shot in shots]))]
    step = int(draw.integers(1, MAX_SKIP + 1)) if draw.random() < SKIP_CHANCE else 1
    step = max(1, min(step, (count - 1) // max(crop.frames - 1, 1)))
    first += int(draw.integers(0, count - (crop.frames - 1) * step))
    top, left = (2 * int(draw.integers(0, (whole - side) // 2 + 1)) for whole in (clip.height, clip.width))
    return Window(first, crop.frames, step, top, left, side)


def cut_out(clip: Clip, window: Window, side: int) -> Pictures:
    """Return the pictures in a window, at the given side in luma samples."""
    planes = (torch.from_numpy(np.array(plane)).float() / 255 for plane in clip.read(window))
    luma, chroma = planes
    return Pictures(_resized(luma[:, None], side), _resized(chroma, side // 2))


def turned(pictures: Pictures, draw: Generator) -> Pictures:
    """Return the pictures upside down, from the other side, or neither."""
    for axis in (-1, -2):
        if draw.random() < EVEN:
            pictures = Pictures(pictures.luma.flip(axis), pictures.chroma.flip(axis))
    return pictures


def reversed_in_time(pictures: Pictures, draw: Generator) -> Pictures:
    """Return the pictures backwards, or not."""
    if draw.random() < EVEN:
        return Pictures(pictures.luma.flip(0), pictures.chroma.flip(0))
    return pictures


def relit(pictures: Pictures, draw: Generator) -> Pictures:
    """Return the pictures in another light, which is the same for all of them."""
    contrast, brightness, gamma, saturation = (
        float(draw.uniform(*bounds)) for bounds in (CONTRAST, BRIGHTNESS, GAMMA, SATURATION)
    )
    luma = (((pictures.luma - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)) ** gamma
    chroma = ((pictures.chroma - 0.5) * saturation * contrast + 0.5).clamp(0, 1)
    return Pictures(luma, chroma)


def recoloured(pictures: Pictures, draw: Generator) -> Pictures:
    """Return the pictures with all hues turned by one angle, or as they are."""
    if draw.random() >= HUE_CHANCE:
        return pictures
    angle = draw.uniform(0, 2 * np.pi)
    turn = pictures.chroma.new_tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    chroma = torch.einsum("ij,tjhw->tihw", turn, pictures.chroma - 0.5) + 0.5
    return Pictures(pictures.luma, chroma.clamp(0, 1))


def _resized(planes: Tensor, side: int) -> Tensor:
    if planes.shape[-1] == side:
        return planes
    return F.interpolate(planes, (side, side), mode="bilinear", antialias=True, align_corners=False)


def _shares(weights: list[int]) -> np.ndarray:
    return np.array(weights) / sum(weights)
