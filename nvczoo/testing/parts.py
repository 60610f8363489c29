"""Checks of parts that compute: motion, context, rate."""

import torch
from torch import Tensor

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.interfaces import Q_MAX, Q_MIN, ContextFuser, MotionEstimator, RateSampler, Reference
from nvczoo.testing.claims import (
    BATCH,
    ROUNDING,
    claim,
    claim_gradient,
    claim_repeatable,
    claim_tensor,
    device_of,
    features,
    pictures,
    same,
    weighted,
)

SIDE = 64  # pixels; small, and as large as most networks need
DRAWS = 256
CHANNELS = 5  # of step sizes


def check_motion_estimator(part: MotionEstimator) -> None:
    """Check shapes, determinism, independence within a batch, and gradients."""
    part.eval()
    device = device_of(part)
    height = part.stride * max(1, SIDE // part.stride)
    width = height + part.stride * max(1, 16 // part.stride)
    frame, reference = (pictures(3, height, width, device, seed) for seed in (1, 2))
    given = frame.clone(), reference.clone()

    flow = part(frame, reference)
    claim_tensor(flow, (BATCH, 2, height, width), device, "the flow")
    claim(same((frame, reference), given), "the estimator changes the pictures it is given")
    claim_repeatable(lambda: part(frame, reference), "the flow")
    claim_gradient((flow,), part, "the flow")
    with torch.no_grad():
        alone, least = part(frame[1:], reference[1:]), flow.abs().max().clamp_min(1)
        apart = (alone - flow[1:]).abs().max() > ROUNDING * least
    claim(not apart, "the flow of a pair depends on what else is in the batch")


def check_context_fuser(part: ContextFuser, image_channels: int = 6, feature_channels: int = 16) -> None:
    """Check the pyramid with and without memory, that further references are ignored, and gradients.

    ``image_channels`` and ``feature_channels`` are those the part was made with.
    """
    part.eval()
    device = device_of(part)
    side = max(part.strides) * max(1, SIDE // max(part.strides))
    claim(len(part.channels) == len(part.strides), "channels and strides do not have the same length")
    claim(tuple(sorted(part.strides)) == tuple(part.strides), "the pyramid is not finest first")
    claim(part.references_needed >= 1, "references_needed is less than 1")
    count = part.references_needed + 1  # one more than needed
    images = [pictures(image_channels, side, side, device, seed) for seed in range(count)]
    memory = ConditionalMemory(feature=features(feature_channels, side, side, device))
    flows = tuple(2 * features(2, side, side, device, seed) for seed in range(count))
    for kept in (None, memory):
        references = tuple(Reference(image, kept) for image in images)
        pyramid = part(references[:-1], flows[:-1])
        _claim_pyramid(part, pyramid, side, device)
        claim(
            same(tuple(part(references, flows)), tuple(pyramid)),
            f"a reference beyond the {part.references_needed} needed is not ignored",
        )
        claim_repeatable(lambda given=references: tuple(part(given, flows)), "the context")
        claim_gradient(pyramid, part, "the context")
        only_first = (flows[0], *(None for _ in flows[1:]))
        _claim_pyramid(part, part(references, only_first), side, device)
        _claim_pyramid(part, part(references, flows, level=1), side, device)
    _claim_moved_by_the_flow(part, tuple(Reference(image, memory) for image in images), flows)


def check_rate_sampler(part: RateSampler) -> None:
    """Check that draws are in range and repeatable, and that weights and step sizes behave as ``q`` runs."""
    part.eval()
    device = device_of(part)
    claim(part.anchors >= 1, "there is no anchor")
    draws = part.draw(DRAWS, torch.Generator(device).manual_seed(1))
    claim_tensor(draws, (DRAWS,), device, "a draw")
    claim(bool(((draws >= Q_MIN) & (draws <= Q_MAX)).all()), f"a draw is outside {Q_MIN} to {Q_MAX}")
    claim(same(draws, part.draw(DRAWS, torch.Generator(device).manual_seed(1))), "draws ignore the generator")
    claim_tensor(part.draw(3), (3,), device, "a draw without a generator")

    q = torch.linspace(Q_MIN, Q_MAX, DRAWS, device=device)
    weights = part.lagrangian(q)
    claim_tensor(weights, (DRAWS,), device, "the Lagrangian")
    claim(bool((weights > 0).all()), "a Lagrangian is not positive")
    claim(bool((weights.diff() > 0).all()), "the Lagrangian does not rise with q everywhere")

    anchors = torch.rand(part.anchors, CHANNELS, generator=torch.Generator().manual_seed(2)).to(device) + 0.5
    steps = part.interpolate(anchors, q)
    claim_tensor(steps, (DRAWS, CHANNELS, 1, 1), device, "the step sizes")
    claim_repeatable(lambda: part.interpolate(anchors, q), "the step sizes")
    low, high = anchors.amin(0) * (1 - ROUNDING), anchors.amax(0) * (1 + ROUNDING)
    inside = (steps[:, :, 0, 0] >= low) & (steps[:, :, 0, 0] <= high)
    claim(bool(inside.all()), "a step size lies outside those of the knots")
    rising = anchors.sort(dim=0).values
    falls = part.interpolate(rising, q).diff(dim=0) < -ROUNDING
    claim(not falls.any(), "step sizes fall with q, though those of the knots rise")
    one = part.interpolate(anchors, q[5:6])
    claim(torch.allclose(one, steps[5:6]), "the step sizes of one element depend on the batch")
    learned = anchors.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(part.interpolate(learned, q).sum(), learned)
    claim(bool((gradient > 0).all()), "no gradient of the step sizes reaches some knot")


def _claim_pyramid(part: ContextFuser, pyramid: tuple[Tensor, ...], side: int, device: torch.device) -> None:
    claim(
        len(pyramid) == len(part.channels),
        f"the pyramid has {len(pyramid)} scales, not {len(part.channels)}",
    )
    for context, channels, stride in zip(pyramid, part.channels, part.strides, strict=True):
        shape = (BATCH, channels, side // stride, side // stride)
        claim_tensor(context, shape, device, f"the context at stride {stride}")


def _claim_moved_by_the_flow(
    part: ContextFuser, references: tuple[Reference, ...], flows: tuple[Tensor, ...]
) -> None:
    """Claim that the nearest reference's flow has an effect that can be learned from."""
    moving = flows[0].clone().requires_grad_()
    pyramid = part(references, (moving, *flows[1:]))
    (gradient,) = torch.autograd.grad(weighted(*pyramid), moving, allow_unused=True)
    claim(gradient is not None and bool(gradient.any()), "the context does not depend on the flow")
