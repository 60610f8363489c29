"""Pictures set in motion, so that the flow is known: affine and elastic, with occlusion and noise.

A decision of ours: it trains motion networks where no pretrained ones may be shipped, and makes clips
of photographs.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional as F

from nvczoo.layers import halve_flow, warp
from nvczoo.train.augment import Pictures

MARGIN = 4  # a texture is larger than the crop by this part of its side, on each side
SHIFT = 0.04  # standard deviation, as a part of the crop's side, per frame
TURN, ZOOM, SHEAR = 0.015, 0.015, 0.01  # standard deviations per frame: radians, and parts
BEND = 1.5  # luma samples per frame at the nodes of the elastic grid
NODES = 5
UNSTEADY = 0.15  # how much the motion changes from frame to frame, as a part of it
OCCLUSION_CHANCE = 0.6
OBJECT = (0.15, 0.4)  # radius of what moves in front, as a part of the crop's side
NOISE_CHANCE, NOISE = 0.5, 0.015
FLICKER = 0.005  # of brightness, from frame to frame


@dataclass(frozen=True)
class Moving:
    """A clip whose motion is known."""

    pictures: Pictures
    flow: Tensor  # [T - 1, 2, side/2, side/2] from each frame to the one before, in pixels of that grid


def texture_side(side: int) -> int:
    """Return the side of the picture that a crop of this side is made of."""
    return side + 2 * _margin(side)


def set_in_motion(texture: Pictures, frames: int, side: int, draw: Generator) -> Moving:
    """Return a clip made of one picture, which is as large as ``texture_side`` says.

    Every frame is taken from the picture itself by a displacement that is composed of those before, so
    that nothing blurs with time and the flow is true wherever it does not leave the picture.
    """
    back = _layer(texture, frames, side, draw)
    layers, flows = back.clip, back.flows
    if draw.random() < OCCLUSION_CHANCE:
        front = _layer(_turned_round(texture), frames, side, draw)
        shape = _moved(_blob(texture.luma, side, draw), front.places)
        layers = _over(front.clip, layers, shape)
        flows = torch.where(shape[1:] > 0.5, front.flows, flows)
    margin = _margin(side)
    keep, half = slice(margin, margin + side), slice(margin // 2, (margin + side) // 2)
    pictures = Pictures(layers.luma[..., keep, keep], layers.chroma[..., half, half])
    return Moving(_noisy(pictures, draw), halve_flow(flows[..., keep, keep]))


@dataclass(frozen=True)
class _Layer:
    clip: Pictures
    places: Tensor  # [T, 2, H, W]: where in the texture each sample comes from, relative to itself
    flows: Tensor  # [T - 1, 2, H, W]


def _layer(texture: Pictures, frames: int, side: int, draw: Generator) -> _Layer:
    size = texture.luma.shape[-1]
    steady = _flow(size, side, draw)
    places, flows = [torch.zeros(1, 2, size, size)], []
    for _ in range(frames - 1):
        flow = steady + UNSTEADY * _flow(size, side, draw)
        places.append(flow + warp(places[-1], flow))
        flows.append(flow)
    placed = torch.cat(places)
    return _Layer(
        Pictures(_moved(texture.luma, placed), _moved(texture.chroma, halve_flow(placed))),
        placed,
        torch.cat(flows) if flows else torch.zeros(0, 2, size, size),
    )


def _flow(size: int, side: int, draw: Generator) -> Tensor:
    """Return a smooth flow [1, 2, size, size] in luma samples."""
    turn, zoom, shear = (float(draw.normal(0, spread)) for spread in (TURN, ZOOM, SHEAR))
    matrix = torch.tensor([[zoom, shear - turn], [shear + turn, zoom]])
    line = torch.arange(size) - (size - 1) / 2
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"))  # [2, size, size]: right, down
    shift = torch.from_numpy(draw.normal(0, SHIFT * side, 2)).float()
    nodes = torch.from_numpy(draw.normal(0, BEND, (1, 2, NODES, NODES))).float()
    bend = F.interpolate(nodes, (size, size), mode="bicubic", align_corners=True)
    return torch.einsum("ij,jhw->ihw", matrix, grid)[None] + shift[:, None, None] + bend


def _blob(luma: Tensor, side: int, draw: Generator) -> Tensor:
    """Return the shape [1, 1, H, W] in 0..1 of what moves in front: round, with a bent edge."""
    size = luma.shape[-1]
    line = torch.arange(size) - (size - 1) / 2
    right, down = torch.meshgrid(line, line, indexing="xy")
    middle = draw.uniform(-side / 3, side / 3, 2)
    radius = float(draw.uniform(*OBJECT)) * side
    nodes = torch.from_numpy(draw.normal(0, radius / 4, (1, 1, NODES, NODES))).float()
    edge = F.interpolate(nodes, (size, size), mode="bicubic", align_corners=True)
    return (radius + edge - torch.hypot(right - middle[0], down - middle[1])).clamp(0, 1)


def _moved(planes: Tensor, places: Tensor) -> Tensor:
    """Return [T, C, H, W] of planes [1, C, H, W] at places [T, 2, H, W]."""
    return warp(planes.expand(len(places), -1, -1, -1), places)


def _over(front: Pictures, back: Pictures, shape: Tensor) -> Pictures:
    small = F.avg_pool2d(shape, 2)
    return Pictures(torch.lerp(back.luma, front.luma, shape), torch.lerp(back.chroma, front.chroma, small))


def _turned_round(texture: Pictures) -> Pictures:
    """Return other content of the same kind: the picture upside down."""
    return Pictures(texture.luma.flip(-1, -2), texture.chroma.flip(-1, -2))


def _noisy(pictures: Pictures, draw: Generator) -> Pictures:
    """Return the pictures as a camera would have them: a little noise, and a little flicker."""
    light = torch.from_numpy(draw.normal(0, FLICKER, (len(pictures.luma), 1, 1, 1))).float()
    luma, chroma = pictures.luma + light, pictures.chroma
    if draw.random() < NOISE_CHANCE:
        spread = float(draw.uniform(0, NOISE))
        luma, chroma = (plane + _gaussian(plane.shape, spread, draw) for plane in (luma, chroma))
    return Pictures(luma.clamp(0, 1), chroma.clamp(0, 1))


def _gaussian(shape: torch.Size, spread: float, draw: Generator) -> Tensor:
    return torch.from_numpy(draw.normal(0, spread, tuple(shape)).astype(np.float32))


def _margin(side: int) -> int:
    return 2 * (side // (2 * MARGIN))
