"""CompressAI's ssf2020: motion with a scale, so that what moves wildly is predicted by a blurred picture.

Agustsson et al., "Scale-space flow for end-to-end optimized video compression", CVPR 2020.
"""

from typing import Any

import torch
from torch import Tensor

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.entropy.likelihood import FlooredGaussian
from nvczoo.interfaces import InterCodec, IntraCodec, Reference, Rules, Setting, SymbolStream

from .library import Plain, ScaleSpaceFlow, plain
from .priors import bottleneck_of, code_bottleneck

LATENT_STRIDE, HYPER_STRIDE = 16, 8
COMPUTED = ""


def _names(ours: str, theirs: str) -> Rules:
    """Return the rules for one of the three latents: its networks and its hyper prior."""
    hyper = rf"^{theirs}_hyperprior\."
    return (
        (rf"^{theirs}_encoder\.", f"{ours}.analysis."),
        (rf"^{theirs}_decoder\.", f"{ours}.synthesis."),
        (rf"{hyper}hyper_encoder\.", f"{ours}.hyper_analysis."),
        (rf"{hyper}hyper_decoder_(mean|scale)\.", rf"{ours}.hyper_\1."),
        (rf"{hyper}entropy_bottleneck\.quantiles$", f"{ours}.density.quantiles"),
        (rf"{hyper}entropy_bottleneck\._?(matrices|biases|factors)\.", rf"{ours}.density.\1."),
        (rf"{hyper}entropy_bottleneck\._matrix(\d)$", rf"{ours}.density.matrices.\1"),
        (rf"{hyper}entropy_bottleneck\._bias(\d)$", rf"{ours}.density.biases.\1"),
        (rf"{hyper}entropy_bottleneck\._factor(\d)$", rf"{ours}.density.factors.\1"),
        (rf"{hyper}.*", COMPUTED),
    )


class CodedLatent(Plain):
    """One of the model's three latents: analysis, synthesis, and the hyper prior between them."""

    def __init__(self, theirs: Any, name: str) -> None:
        super().__init__()
        self.analysis, self.synthesis = getattr(theirs, f"{name}_encoder"), getattr(theirs, f"{name}_decoder")
        prior = getattr(theirs, f"{name}_hyperprior")
        self.hyper_analysis = prior.hyper_encoder
        self.hyper_mean, self.hyper_scale = prior.hyper_decoder_mean, prior.hyper_decoder_scale
        self.density = bottleneck_of(prior.entropy_bottleneck)

    def code(self, stream: SymbolStream, given: Tensor | None, setting: Setting) -> Tensor:
        """Return the latent of ``given`` [B, C, H, W] as the decoder has it; None when decoding."""
        latent = None if given is None else self.analysis(plain(given))
        hyper = None if latent is None else self.hyper_analysis(latent)
        stride = LATENT_STRIDE * HYPER_STRIDE
        size = (setting.size[0] // stride, setting.size[1] // stride)
        hyper = code_bottleneck(stream.part("hyper"), hyper, self.density, size, len(setting.q))
        means, scales = self.hyper_mean(hyper).float(), self.hyper_scale(hyper).float()
        centred = None if latent is None else latent - means
        return plain(stream.code("latent", centred, FlooredGaussian(scales)) + means)


class SsfIntra(IntraCodec):
    """Codes a key frame on its own; ``q`` has no effect."""

    stride = LATENT_STRIDE * HYPER_STRIDE
    published = (*_names("picture", "img"), (r"^(motion|res)_.*", COMPUTED))

    def __init__(self) -> None:
        super().__init__()
        self.picture = CodedLatent(ScaleSpaceFlow(), "img")

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it; see ``FrameCodec``."""
        latent = self.picture.code(stream.part("intra"), frame, setting)
        return _kept(self.picture.synthesis(latent))


class SsfInter(InterCodec):
    """Codes scale-space flow and residual; ``q`` has no effect."""

    stride = LATENT_STRIDE * HYPER_STRIDE
    published = (*_names("motion", "motion"), *_names("residual", "res"), (r"^img_.*", COMPUTED))

    def __init__(self) -> None:
        super().__init__()
        theirs: Any = ScaleSpaceFlow()
        self.motion, self.residual = CodedLatent(theirs, "motion"), CodedLatent(theirs, "res")
        self._predicted = theirs.forward_prediction  # has no parameters; a method is no submodule

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it; see ``FrameCodec``."""
        memory = references[0].memory
        kept = memory.feature if isinstance(memory, ConditionalMemory) else None
        previous = references[0].frame if kept is None else kept
        both = None if frame is None else torch.cat((frame, previous), dim=1)
        motion = self.motion.code(stream.part("motion"), both, setting)
        predicted = self._predicted(previous, self.motion.synthesis(motion))
        difference = None if frame is None else frame - predicted
        residual = self.residual.code(stream.part("residual"), difference, setting)
        decoded = predicted + self.residual.synthesis(torch.cat((residual, motion), dim=1))
        return _kept(decoded)


def _kept(decoded: Tensor) -> Reference:
    """Return a decoded frame; the next is predicted from it as it is, beyond 0..1 too."""
    return Reference(decoded.clamp(0, 1), ConditionalMemory(feature=decoded))
