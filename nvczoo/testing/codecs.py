"""Checks of what codes: whatever is estimated is encoded, and whatever is encoded is decoded."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from nvczoo.codec.arithmetic import deterministic
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.interfaces import (
    Q_MAX,
    Q_MIN,
    CodingStep,
    EntropyCoder,
    EntropyModel,
    FrameCodec,
    Reference,
    Setting,
    SymbolStream,
)
from nvczoo.testing.claims import (
    BATCH,
    claim,
    claim_gradient,
    claim_tensor,
    device_of,
    features,
    pictures,
    same,
    weighted,
)

SIDE = 64  # pixels, at least
QUALITIES = (Q_MIN, 31.5, Q_MAX)
# How far the bits written may be from the estimate: a share, and bits a layer. The share is what untrained
# weights need: where a scale is far too small, symbols escape, and an escape costs more than the estimate's
# floor (one part in a hundred goes beyond 5 %, of 600 none beyond 8 %). Trained weights stay within 1 %.
EXCESS, OVERHEAD = 0.1, 64 * 8
LATENT_SIZES = ((8, 8), (5, 7), (1, 1))
LATENT_SCALE = 4.0

Code = Callable[[Any, SymbolStream], Any]  # of what is to be coded, None when decoding


def check_entropy_model(part: EntropyModel, channels: int, context_channels: int = 0) -> None:
    """Check that latents of any size come back as they were coded, at the rate estimated, and gradients.

    ``channels`` and ``context_channels`` are those the part was made with.
    """
    part.eval()
    device = device_of(part)
    q = torch.linspace(Q_MIN, Q_MAX, BATCH, device=device)
    for height, width in LATENT_SIZES:
        latent = LATENT_SCALE * features(channels, height, width, device)
        context = features(context_channels, height, width, device, 3) if context_channels else None

        def code(given: Tensor | None, stream: SymbolStream, size=(height, width), context=context) -> Tensor:
            return part.code(stream, given, size, context, q)

        decoded = _round_trip(code, latent, NativeCoder())
        claim_tensor(decoded, (BATCH, channels, height, width), device, "the decoded latent")
    height, width = LATENT_SIZES[0]
    latent = (LATENT_SCALE * features(channels, height, width, device)).requires_grad_()
    context = features(context_channels, height, width, device, 3) if context_channels else None
    _claim_trainable(lambda stream: part.code(stream, latent, (height, width), context, q), part, latent)


def check_frame_codec(codec: FrameCodec, coder: EntropyCoder | None = None) -> None:
    """Check that what is estimated, encoded and decoded is the same to the bit, memory included.

    An inter codec codes two frames in a row, the second with what the first left behind; all over
    the range of ``q``, and for pictures that are not square.
    """
    codec.eval()
    device = device_of(codec)
    claim(codec.stride >= 1, "stride is less than 1")
    claim(codec.frames_per_step >= 1, "frames_per_step is less than 1")
    height = codec.stride * -(-SIDE // codec.stride)
    size = (height, height + codec.stride)
    first, *later = (_step_of(codec, size, device, seed) for seed in range(3))
    for quality in QUALITIES:
        q = torch.full((BATCH,), quality, device=device)
        references = tuple(
            Reference(_step_of(codec, size, device, seed)) for seed in range(codec.references_needed)
        )
        for frame in (first, *(later if references else ())):
            setting = Setting(q, size)

            def code(
                given: Tensor | None, stream: SymbolStream, references=references, setting=setting
            ) -> Reference:
                return codec.code(given, references, setting, stream)

            decoded = _round_trip(code, frame, coder or NativeCoder())
            claim_tensor(decoded.frame, tuple(frame.shape), device, f"the decoded frame at q={quality}")
            inside = (decoded.frame >= 0) & (decoded.frame <= 1)
            claim(bool(inside.all()), f"the decoded frame at q={quality} leaves 0..1")
            references = (_as_kept(decoded), *references)[: codec.references_needed]
    references = tuple(Reference(later[0]) for _ in range(codec.references_needed))
    q = torch.full((BATCH,), QUALITIES[1], device=device)
    wanted = first.clone().requires_grad_()
    _claim_trainable(
        lambda stream: codec.code(wanted, references, Setting(q, size), stream).frame, codec, wanted
    )


def _round_trip(code: Code, given: Tensor, coder: EntropyCoder) -> Any:
    """Return what was decoded, after all claims about it."""
    kept = given.clone()
    counter, writer = BitCounter(), BitWriter(coder)
    with deterministic():
        estimated, encoded = code(given, counter), code(given, writer)
        layers = writer.finish()
        reader = BitReader(coder, dict(layers))
        decoded = code(None, reader)
        reader.finish()
    claim(same(given, kept), "the picture or latent is changed while it is coded")
    claim(same(encoded, decoded), "what the decoder has is not what the encoder has")
    claim(same(estimated, encoded), "what is estimated is not what is encoded")
    claim(writer.checksums == reader.checksums, "the decoder's symbols are not the encoder's")
    claim(all(tuple(one.shape) == (BATCH,) for one in counter.bits.values()), "bits are not one number each")
    bits, written = float(counter.total.sum()), 8 * sum(len(data) for _, data in layers)
    claim(
        abs(written - bits) <= EXCESS * bits + OVERHEAD * len(layers),
        f"{written} bits are written, {bits:.0f} were estimated",
    )
    return decoded


def _claim_trainable(code: Callable[[SymbolStream], Tensor], part: nn.Module, given: Tensor) -> None:
    """Claim that rate and result can be learned from, in training."""
    part.train()
    try:
        counter = BitCounter(training=True)
        code(counter)
        claim(bool(counter.total.isfinite().all()), "the estimated bits are not finite")
        claim_gradient((counter.total,), part, "the estimated bits")
        decoded = code(BitCounter(training=True))
        (gradient,) = torch.autograd.grad(weighted(decoded), given, allow_unused=True)
        claim(
            gradient is not None and bool(gradient.any()), "no gradient of the result reaches what is coded"
        )
    finally:
        part.eval()


def _step_of(codec: FrameCodec, size: tuple[int, int], device: torch.device, seed: int) -> Tensor:
    """Return what one step codes: a frame, or several."""
    height, width = size
    if codec.layout == "packed420":
        frame = pictures(6, height // 2, width // 2, device, seed)
    else:
        frame = pictures(3, height, width, device, seed)
    count = codec.frames_per_step
    return frame if count == 1 else frame.unsqueeze(1).repeat(1, count, 1, 1, 1)


def _as_kept(reference: Reference) -> Reference:
    """Return a reference as a session hands it on."""
    buffer, step = ReferenceBuffer(), CodingStep((0,), (0,))
    buffer.add(step, reference)
    return buffer.of(step)[0]
