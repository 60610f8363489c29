"""Pictures for the report: a frame, how it was decoded, how it moved, and where its bits went."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.codec.pictures import matrix_of
from nvczoo.codec.video import Video
from nvczoo.errors import ShapeError
from nvczoo.evaluate.anatomy import Anatomy
from nvczoo.evaluate.coded import Coded
from nvczoo.video.colour import rgb_from_planes
from nvczoo.video.png import png

ORIGINAL, DECODED, MOTION, BITS = "original", "decoded", "motion", "bits"
KINDS = (ORIGINAL, DECODED, MOTION, BITS)
STRONG_MOTION = 0.95  # the quantile of speeds that is drawn in full colour: outliers must not fade the rest
LEAST_SPEED = 1.0  # pixels; where nothing moves more, noise shall not look like motion
# Black, violet, orange, yellow: even steps of lightness, readable without seeing red or green.
HEAT = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))


@dataclass(frozen=True)
class Still:
    """A picture of one kind, as a PNG file."""

    kind: str
    png: bytes

    def _repr_png_(self) -> bytes:
        """Show it in a notebook."""
        return self.png


def stills_of(video: Video, coded: Coded, frame: int) -> tuple[Still, ...]:
    """Return what there is to be seen of a frame."""
    matrix = matrix_of(video.info.colour)
    pictures = {ORIGINAL: video[frame], DECODED: coded.pictures[frame]}
    stills = [Still(kind, png(rgb_from_planes(one.planes, matrix))) for kind, one in pictures.items()]
    size = (video.info.height, video.info.width)
    anatomy = () if coded.anatomy is None else stills_of_anatomy(coded.anatomy, coded.padded or size, size)
    return (*stills, *anatomy)


def flow_still(flow: Tensor) -> Still:
    """Return a flow [2, H, W] in pixels as a picture, which a notebook shows; raises ShapeError."""
    if flow.ndim != 3 or flow.shape[0] != 2:
        raise ShapeError(f"A flow is [2, H, W], not {list(flow.shape)}; of a batch, take one: flow[0]")
    height, width = flow.shape[1:]
    return Still(MOTION, png(motion_picture(flow.detach().float().cpu(), (height, width))))


def still_path(record: Path, kind: str, frame: int) -> Path:
    """Return where a picture is kept: beside the job's file; the original once for all jobs of a sequence."""
    if kind == ORIGINAL:
        return record.parent.parent / f"{ORIGINAL}-{frame}.png"
    return record.with_name(f"{record.name.removesuffix('.json')}.{kind}.png")


def motion_picture(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Return uint8 RGB [3, H, W] of a flow [2, h, w]: the direction is the hue, the speed how full it is."""
    speed = flow.pow(2).sum(0).sqrt()
    full = max(float(speed.quantile(STRONG_MOTION)), LEAST_SPEED)
    hue = (torch.atan2(flow[1], flow[0]) / (2 * pi)) % 1
    saturation = (speed / full).clamp(0, 1)
    colour = _hue(hue)  # [3, h, w], 0..1
    return _shown(1 - saturation + saturation * colour, size)


def bits_picture(bit_map: Tensor, size: tuple[int, int]) -> Tensor:
    """Return uint8 RGB [3, H, W] of bits per place [h, w]: black is none, yellow the most."""
    strength = (bit_map / bit_map.max().clamp(min=1e-6)).sqrt()  # the root shows what is small, too
    stops = torch.tensor(HEAT, dtype=torch.float32) / 255
    place = strength.clamp(0, 1) * (len(HEAT) - 1)
    low = place.floor().long().clamp(max=len(HEAT) - 2)
    share = (place - low).unsqueeze(-1)
    colour = stops[low] * (1 - share) + stops[low + 1] * share  # [h, w, 3]
    return _shown(colour.permute(2, 0, 1), size)


def stills_of_anatomy(anatomy: Anatomy, padded: tuple[int, int], size: tuple[int, int]) -> tuple[Still, ...]:
    """Return motion and bits, as far as they are known: (H, W) as coded, and cropped to the picture's."""
    pictures = {
        MOTION: None if anatomy.flow is None else motion_picture(anatomy.flow, padded),
        BITS: None if anatomy.bit_map is None else bits_picture(anatomy.bit_map, padded),
    }
    height, width = size
    return tuple(
        Still(kind, png(picture[:, :height, :width]))
        for kind, picture in pictures.items()
        if picture is not None
    )


def _hue(hue: Tensor) -> Tensor:
    """Return the full colours of hues 0..1, as [3, h, w]."""
    thirds = torch.tensor([0.0, 2 / 3, 1 / 3]).view(3, 1, 1)
    distance = ((hue.unsqueeze(0) + thirds) % 1 - 0.5).abs()
    return (distance * 6 - 1).clamp(0, 1)


def _shown(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Return [3, h, w] of 0..1 as bytes [3, *size]: each place as a rectangle."""
    grown = F.interpolate(picture.unsqueeze(0), size, mode="nearest")[0]
    return (grown * 255).round().clamp(0, 255).byte()
