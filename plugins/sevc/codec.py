"""SEVC: a P-frame codec at a quarter of the size, and a layer on it that codes no motion of its own.

Bian et al., "Augmented deep contexts for spatially embedded video coding" (SEVC), CVPR 2025.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.errors import SettingError
from nvczoo.interfaces import (
    EntropyModel,
    InterCodec,
    Layout,
    Pyramid,
    RateSampler,
    Reference,
    Setting,
    SymbolStream,
)
from nvczoo.layers import LAYOUTS, conv3, crop
from nvczoo.layers.contextual import ContextualAnalysis, ContextualSynthesis, Reconstruction
from nvczoo.layers.depthwise import depthwise_block
from nvczoo.layers.quality import QualityGain
from nvczoo.layers.unet import UNet

from .inter_layer import InterLayerContexts
from .latent_prediction import LatentPrediction
from .memory import LATENTS_KEPT, SevcMemory
from .published_keys import inter_rules
from .quarter import pad_with_zeros, quarter, quarter_size

STRIDE = 16
TEMPORAL_SLOPE = 0.1
ENHANCEMENT = "enhancement"


class TemporalPrior(nn.Module):
    """What the contexts of all three scales tell of the latent."""

    def __init__(self, channels: tuple[int, ...], latent_channels: int) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.convs = nn.ModuleList(
            conv3(channels_in, channels_out, stride=2)
            for channels_in, channels_out in (
                (fine, middle),
                (2 * middle, coarse),
                (2 * coarse, coarse),
                (coarse, latent_channels),
            )
        )

    def forward(self, contexts: Pyramid) -> Tensor:
        """Return [B, latent_channels, H/16, W/16]."""
        x = contexts[0]
        for conv, context in zip(self.convs, contexts[1:], strict=False):
            x = torch.cat((context, F.leaky_relu(conv(x), TEMPORAL_SLOPE)), dim=1)
        return self.convs[3](F.leaky_relu(self.convs[2](x), TEMPORAL_SLOPE))


class Sevc(InterCodec):
    """Codes a P frame in two layers; the second can be dropped, which leaves a quarter-size video."""

    stride = STRIDE
    references_needed = 1
    layers = (ENHANCEMENT,)

    def __init__(
        self,
        base: InterCodec,
        rate_sampler: RateSampler,
        entropy_model: EntropyModel,
        channels: tuple[int, ...] = (48, 64, 96),
        latent_channels: int = 128,
        base_feature_channels: int = 48,
        base_latent_channels: int = 128,
        layout: Layout = "rgb",
    ) -> None:
        super().__init__()
        if base.layout != layout or base.stride > STRIDE or base.references_needed != 1:
            raise SettingError(
                f"The base layer must be a codec of P frames in {layout} with a stride of at most {STRIDE}, "
                f"not {type(base).__name__} in {base.layout}"
            )
        self.layout = layout
        self.published = inter_rules(base.published)
        image_channels = LAYOUTS[layout].channels
        self.rate_sampler = rate_sampler
        self.base = base
        self.contexts = InterLayerContexts(channels, base_feature_channels, image_channels)
        self.prediction = LatentPrediction(base_latent_channels, latent_channels)
        self.analysis = ContextualAnalysis(image_channels, channels, latent_channels)
        self.encoder_gain = QualityGain(rate_sampler, self.analysis.gain_channels)
        self.temporal_prior = TemporalPrior(channels, latent_channels)
        twice = 2 * latent_channels
        self.by_count = nn.ModuleList(depthwise_block(twice, twice) for _ in range(LATENTS_KEPT + 1))
        self.entropy_model = entropy_model
        self.synthesis = ContextualSynthesis(channels, latent_channels)
        self.decoder_gain = QualityGain(rate_sampler, self.synthesis.gain_channels)
        self.reconstruction = Reconstruction(
            channels[0], image_channels, partial(UNet, block=depthwise_block)
        )

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it, or the base layer alone; see ``FrameCodec``."""
        memory = self._memory(references[0])
        base = self._code_base(frame, memory.base, setting, stream)
        layer = stream.layer(ENHANCEMENT)
        if layer is None:
            return Reference(base.frame, SevcMemory(base))
        return self._enhance(frame, references[0].frame, memory, base, setting, layer)

    def base_image(self, reference: Reference) -> Tensor:
        """Return the picture of the base layer; see ``InterCodec``."""
        return self._memory(reference).base.frame

    def base_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the size of the base layer's pictures; see ``InterCodec``."""
        return quarter_size(size)

    def _memory(self, reference: Reference) -> SevcMemory:
        """Return what is remembered; the base layer's reference after an intra frame is made of that."""
        if isinstance(reference.memory, SevcMemory):
            return reference.memory
        return SevcMemory(Reference(self._small(reference.frame)))

    def _small(self, image: Tensor) -> Tensor:
        small = pad_with_zeros(quarter(image), STRIDE)
        return small.contiguous(memory_format=torch.channels_last)

    def _code_base(
        self, frame: Tensor | None, reference: Reference, setting: Setting, stream: SymbolStream
    ) -> Reference:
        image = None if frame is None else self._small(frame)
        size = (reference.frame.shape[2], reference.frame.shape[3])
        base_setting = Setting(setting.q, size, setting.level, setting.distances)
        return self.base.code(image, (reference,), base_setting, stream.part("base"))

    def _enhance(
        self,
        frame: Tensor | None,
        previous: Tensor,
        memory: SevcMemory,
        base: Reference,
        setting: Setting,
        stream: SymbolStream,
    ) -> Reference:
        q = setting.q
        feature, flow, base_latent = _told(base)
        size = (setting.size[0] // STRIDE, setting.size[1] // STRIDE)
        small = quarter_size(setting.size)
        contexts = self.contexts(
            previous, memory.feature, setting.level, crop(feature, small), crop(flow, small)
        )
        predicted = self.prediction(base_latent, memory.latents, size)
        known = torch.cat((self.temporal_prior(contexts), predicted), dim=1)
        known = self.by_count[len(memory.latents)](known)
        latent = None
        if frame is not None:
            latent = self.analysis(frame, contexts, self.encoder_gain(self.rate_sampler, q))
        latent = self.entropy_model.code(stream.part("frame"), latent, size, known, q)
        features = self.synthesis(latent, contexts, self.decoder_gain(self.rate_sampler, q))
        feature, picture = self.reconstruction(features, contexts[0])
        kept = SevcMemory(base, feature, memory.latents_with(latent))
        return Reference(picture.clamp(0, 1), kept)


def _told(base: Reference) -> tuple[Tensor, Tensor, Tensor]:
    """Return feature, flow and latent of the base layer's frame; raises SettingError if it keeps none."""
    memory = base.memory
    told = (memory.feature, memory.flow, memory.latent) if isinstance(memory, ConditionalMemory) else ()
    kept = tuple(one for one in told if one is not None)
    if len(kept) < 3:
        raise SettingError("The codec of the base layer must remember feature, flow and latent of a frame")
    return kept[0], kept[1], kept[2]
