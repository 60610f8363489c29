"""Latents that are worth their bits: a descent at the encoder, of which decoders know nothing.

An analysis network gives good latents for pictures in general. For the picture at hand there are better ones,
which the gradient of bits and distortion leads to (Campos et al., "Content adaptive optimization for neural
image compression", CVPR workshops 2019; Lu et al., "Content adaptive and error propagation aware deep video
compression", ECCV 2020). First nothing is rounded, so that the latent gets to where the synthesis wants it;
then everything is, and only the few elements that gain most move on. A decision of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import Distribution, Layout, SymbolStream
from nvczoo.layers import LAYOUTS
from nvczoo.video.distortion import mse_of_psnr_611

SMOOTH_STEP = 0.2  # of the way to where a parabola has its bottom
LONGEST = 0.15  # of a smooth step, in symbols
DAMPING = 1.0  # of the mean curvature, added to each channel's own
LEAST_CURVATURE = 1e-3  # bits; where pictures are exact there is none, and steps shall be finite
ROUNDED_STEP = 0.05  # symbols that the element at ``LEADING`` moves; none moves more than twice as much
LEADING = 0.995  # of all elements are behind it

Decode = Callable[[Tensor, SymbolStream], Tensor]  # latent -> picture, as the pipeline codes it
Distortion = Callable[[Tensor, Tensor], Tensor]  # picture and original -> bits that it is worth, [B]


@dataclass(frozen=True)
class Descent:
    """How many steps, and how much more than in its own frame a distortion counts, as others follow."""

    smooth: int
    rounded: int
    worth: float
    part: float | None = None  # of the way to the bottom, of rounded steps; None: as far as the leading move


def released(tensor: Tensor) -> Tensor:
    """Return the same numbers in a tensor that gradients may pass, whatever mode made the other."""
    with torch.inference_mode(False):
        return tensor.detach().clone()


def worth_in_bits(lagrangian: Tensor, layout: Layout, weights: Tensor | None = None) -> Distortion:
    """Return what tells a distortion's worth in bits by the Lagrangian [B]; its measure is PSNR 6:1:1.

    ``weights`` [B, 1, h, w] say how much more, or less, it counts in parts of the picture.
    """
    spacing = LAYOUTS[layout].spacing
    roots = None if weights is None else released(weights).sqrt()

    def worth(decoded: Tensor, original: Tensor) -> Tensor:
        size = decoded.shape[-2:]
        if roots is not None:
            here = F.interpolate(roots, size, mode="bilinear")
            decoded, original = decoded * here, original * here
        pixels = size.numel() * spacing**2
        return lagrangian * pixels * mse_of_psnr_611(decoded, original, layout)

    return worth


def descend(
    plan: Descent, latent: Tensor, decode: Decode, original: Tensor, distortion: Distortion
) -> Tensor:
    """Return a latent that takes fewer bits, with the distortion's worth in bits added, than ``latent``.

    What ``decode`` makes use of must be ``released``, as the original must be.
    """
    noise = torch.Generator(latent.device).manual_seed(0)  # an encoder gives the same stream each time
    with torch.inference_mode(False), torch.enable_grad():
        found = latent.detach().clone().requires_grad_()
        curvature: Tensor | None = None
        for number in range(plan.smooth + plan.rounded):
            smooth = number < plan.smooth
            stream = _Unrounded() if smooth else _Noisy(noise)
            decoded = decode(found, stream)
            if not decoded.requires_grad:  # a part that was swapped in lets no gradient pass
                return latent
            if curvature is None:
                curvature = _curvature(found, decoded, original, distortion, noise) * plan.worth
            cost = stream.total.sum() + plan.worth * distortion(decoded, original).sum()
            (gradient,) = torch.autograd.grad(cost, found)
            step = gradient / curvature
            with torch.no_grad():
                found -= _smooth(step) if smooth else _rounded(step, plan.part)
        return found.detach()


def _smooth(step: Tensor) -> Tensor:
    return (SMOOTH_STEP * step).clamp(-LONGEST, LONGEST)


def _rounded(step: Tensor, part: float | None) -> Tensor:
    """Return that part of the step, or as much as moves the elements that gain most by ROUNDED_STEP."""
    if part is None:
        sizes = step.abs().flatten()
        leading = sizes.kthvalue(max(1, int(LEADING * sizes.numel()))).values
        step = step * (ROUNDED_STEP / leading.clamp_min(torch.finfo(step.dtype).tiny))
    else:
        step = step * part
    return step.clamp(-2 * ROUNDED_STEP, 2 * ROUNDED_STEP)


def _curvature(
    latent: Tensor, decoded: Tensor, original: Tensor, distortion: Distortion, noise: torch.Generator
) -> Tensor:
    """Return the distortion's second derivative [B, C, 1, 1] in the elements of each channel.

    A random sign for each sample of the picture gives the sum of squared derivatives in one pass (Hutchinson,
    "A stochastic estimator of the trace of the influence matrix", 1990).
    """
    missed = (decoded - original).detach().requires_grad_()
    (slope,) = torch.autograd.grad(distortion(missed, torch.zeros_like(missed)).sum(), missed)
    size = missed.detach().abs().mean((2, 3), keepdim=True)
    of_samples = slope.abs().mean((2, 3), keepdim=True) / size.clamp_min(torch.finfo(size.dtype).tiny)
    signs = torch.empty_like(missed).bernoulli_(generator=noise) * 2 - 1
    (probe,) = torch.autograd.grad(decoded, latent, of_samples.sqrt() * signs, retain_graph=True)
    own = probe.square().mean((2, 3), keepdim=True)
    return (own + DAMPING * own.mean(1, keepdim=True)).clamp_min(LEAST_CURVATURE)


class _Unrounded(BitCounter):
    """Counts bits as if elements between whole numbers could be coded."""

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return the values as they are."""
        assert values is not None
        values = values.float()
        bits = distribution.bits(values)
        if mask is not None:
            bits, values = bits * mask, values * mask
        self.bits[name] = self.bits.get(name, 0) + bits.flatten(1).sum(1)
        return values


class _Noisy(BitCounter):
    """Counts as in training, by noise of its own: the encoder's caller keeps the state of torch's."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__(training=True)
        self._generator = generator

    def _noise(self, values: Tensor) -> Tensor:
        return torch.empty_like(values).uniform_(-0.5, 0.5, generator=self._generator)
