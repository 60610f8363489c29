"""``VideoCodec``: what a user holds in the hand."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from contextlib import nullcontext
from math import lcm

import torch
from torch import Tensor, nn

from nvczoo.codec.arithmetic import FLOAT32, PORTABLE, checked_precision, computing, enough_threads
from nvczoo.codec.decoder import BEGINNING, MAX_PIXELS, DecoderSession
from nvczoo.codec.effort import checked_effort
from nvczoo.codec.encoder import EncoderSession, checked_q
from nvczoo.codec.estimate import Estimate, estimate_clip
from nvczoo.codec.files import (
    DECODE_DEFAULTS,
    ENCODE_DEFAULTS,
    Data,
    DecodeOptions,
    EncodeOptions,
    FileResult,
    Report,
    decode_all,
    decode_file,
    encode_file,
    encode_stream,
)
from nvczoo.codec.frames import image_from_planes, padded_size
from nvczoo.codec.gop_options import with_intra_period
from nvczoo.codec.multiplications import MultiplicationCounts
from nvczoo.codec.pictures import matrix_for
from nvczoo.codec.scalable import LayerChoice
from nvczoo.codec.seeking import Seek
from nvczoo.codec.summary import CodecSummary, summarized
from nvczoo.codec.video import Video, open_any
from nvczoo.errors import SettingError
from nvczoo.interfaces import (
    THOROUGH,
    USUAL,
    CodingStep,
    EntropyCoder,
    FrameCodec,
    GopStructure,
    InterCodec,
    IntraCodec,
    Layout,
    RateSampler,
)
from nvczoo.video.picture import VideoInfo

DEFAULT_Q = 32.0


class VideoCodec(nn.Module):
    """An intra codec, an inter codec (None for images only), and the order in which they take turns.

    ``parts`` describes what it was assembled of, in plain values; it goes into ``identity``. ``precision`` is
    that of encoding and estimating: a decoder takes that of the stream. ``known_answer`` is that of a
    portable codec, None of all others. A new codec is in ``eval`` mode, as coding needs it.
    """

    def __init__(
        self,
        intra: IntraCodec,
        inter: InterCodec | None,
        gop: GopStructure,
        rate_sampler: RateSampler | None,
        coder: EntropyCoder,
        name: str = "unnamed",
        parts: Mapping[str, object] | None = None,
        default_q: float = DEFAULT_Q,
        precision: str = FLOAT32,
        known_answer: int | None = None,
    ) -> None:
        super().__init__()
        self.intra = intra
        self.inter = inter
        self.gop = gop
        self.rate_sampler = rate_sampler
        self.coder = coder
        self.name = name
        self.parts = dict(parts or {})
        self.default_q = checked_q(default_q)
        self.precision = checked_precision(precision)
        self._counts = MultiplicationCounts()
        self.known_answer = known_answer
        if known_answer is not None and precision != FLOAT32:
            raise SettingError(f"The portable model {name!r} has no precision {precision!r}: leave it out")
        if inter is not None and inter.layout != intra.layout:
            raise SettingError(
                f"The intra codec works in {intra.layout}, the inter codec in {inter.layout}: choose "
                f"a pair, or the layout, where a part has one: parts={{'intra.layout': '{inter.layout}'}}"
            )
        self.check_gop(gop)
        self.to(memory_format=torch.channels_last)  # else each convolution reorders its weights anew
        self.eval()

    def __repr__(self) -> str:
        return str(self.summary())

    def summary(self) -> CodecSummary:
        """Return the parts with their parameters and multiplications per pixel, which prints as a table.

        The first call runs the networks once, on a frame of 64x64 pixels or the least that they take. For
        the tree of layers: ``torch.nn.Module.__repr__(codec)``.
        """
        return summarized(self, self._counts.of(self))

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def encode(
        self,
        video: object,
        q: float | None = None,
        options: EncodeOptions = ENCODE_DEFAULTS,
        info: VideoInfo | None = None,
    ) -> bytes:
        """Return the compressed stream of a path, RGB arrays, a ``Video`` or pictures.

        ``q`` is 0 (smallest) to 63 (best). RGB is uint8, a tensor [T, 3, H, W] or a NumPy array
        [T, H, W, 3]; ``info`` tells the frame rate that arrays lack.
        """
        file = io.BytesIO()
        with open_any(video, info) as reader:
            encode_stream(self, reader, file, q, options)
        return file.getvalue()

    def decode(self, data: Data, options: DecodeOptions = DECODE_DEFAULTS) -> Video:
        """Return the video in a stream: bytes, a path or a file object; raises StreamError."""
        return decode_all(self, data, options)

    def encode_file(
        self,
        source: object,
        target: str | os.PathLike[str],
        q: float | None = None,
        options: EncodeOptions = ENCODE_DEFAULTS,
        overwrite: bool = False,
        progress: Report | None = None,
    ) -> FileResult:
        """Encode a video file into a stream file or stdout ("-"), picture by picture."""
        return encode_file(self, source, target, q, options, overwrite, progress)

    def decode_file(
        self,
        source: Data,
        target: str | os.PathLike[str],
        options: DecodeOptions = DECODE_DEFAULTS,
        overwrite: bool = False,
        progress: Report | None = None,
    ) -> FileResult:
        """Decode a stream into a video file or y4m on stdout ("-"), picture by picture."""
        return decode_file(self, source, target, options, overwrite, progress)

    def estimate(
        self,
        clip: object,
        q: float | Tensor | None = None,
        gop: GopStructure | None = None,
        training: bool = False,
        effort: int | None = None,
        lookahead: int = ENCODE_DEFAULTS.lookahead,
    ) -> Estimate:
        """Return the decoded frames and the bits they cost, differentiably.

        ``clip`` is [B, T, C, H, W] in the codec's layout, H and W padded, or anything ``encode`` takes.
        ``q`` may be a tensor [B]. With ``training`` bits are those of noisy latents. ``effort`` and
        ``lookahead`` are as ``encode`` has them, but for the former where gradients are asked for: latents
        that were searched for have none.
        """
        if not (isinstance(clip, Tensor) and clip.ndim == 5):
            clip = self.images(clip)
        if not isinstance(q, Tensor):
            q = torch.full((len(clip),), self.q_or_default(q), device=clip.device)
        gop = gop or self.gop
        self.check_gop(gop)
        if effort is None:
            effort = USUAL if training or torch.is_grad_enabled() else ENCODE_DEFAULTS.effort
        # Where latents are searched for, another order of sums finds others.
        threads = enough_threads(self.precision) if effort >= THOROUGH else nullcontext()
        with computing(self.precision, self.device), threads:
            return estimate_clip(self, clip, q, gop, training, checked_effort(effort), lookahead)

    def images(self, video: object, info: VideoInfo | None = None) -> Tensor:
        """Return [1, T, C, H, W]: a video in the codec's layout, padded, on its device."""
        with open_any(video, info) as reader:
            matrix = matrix_for(self.layout, reader.info.colour)
            images = [image_from_planes(one.planes, self.layout, self.stride, matrix) for one in reader]
        return torch.stack(images, 1).to(self.device)

    def encoder(
        self, info: VideoInfo, q: float | None = None, options: EncodeOptions = ENCODE_DEFAULTS
    ) -> EncoderSession:
        """Return a session that takes pictures and gives packets."""
        period = options.intra_period
        gop = self.gop if period is None else with_intra_period(self.gop, period)
        return EncoderSession(
            self,
            info,
            self.q_or_default(q),
            gop,
            options.picture_checksums,
            layers=options.layers,
            effort=options.effort,
            lookahead=options.lookahead,
        )

    def decoder(
        self, seek: Seek = BEGINNING, max_pixels: int = MAX_PIXELS, layers: LayerChoice = "all"
    ) -> DecoderSession:
        """Return a session that takes packets and gives pictures.

        ``seek`` is what ``StreamReader.seek`` returned, if it was asked to. With ``layers="base"`` the
        pictures are those of the base layer alone, smaller ones in a codec such as SEVC.
        """
        return DecoderSession(self, seek, max_pixels, layers)

    @property
    def identity(self) -> bytes:
        """SHA-256 over the parts and every number in memory: equal if and only if both sides agree."""
        digest = hashlib.sha256(_canonical(self.parts).encode())
        for name, tensor in sorted(self.state_dict().items()):
            values = tensor.detach().cpu().contiguous()
            digest.update(f"\n{name} {values.dtype} {list(values.shape)}\n".encode())
            digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
        return digest.digest()

    @property
    def profile(self) -> str:
        """The arithmetic of the streams it makes."""
        return self.precision if self.known_answer is None else PORTABLE

    @property
    def device(self) -> torch.device:
        """Where the codec computes."""
        tensor = next(self.parameters(), next(self.buffers(), None))
        return torch.device("cpu") if tensor is None else tensor.device

    @property
    def layout(self) -> Layout:
        """How pictures are laid out in a tensor."""
        return self.intra.layout

    @property
    def stride(self) -> int:
        """H and W of the luma grid are padded to multiples of this."""
        return lcm(2, *(codec.stride for codec in (self.intra, self.inter) if codec is not None))

    @property
    def references_per_step(self) -> int:
        """How many references the inter codec may be given."""
        needed = 1 if self.inter is None else self.inter.references_needed
        return max(self.gop.references_per_step, needed, 1)

    def padded_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the padded (H, W) of a picture."""
        return padded_size(size, self.stride)

    def codec_of(self, step: CodingStep) -> FrameCodec:
        """Return the codec whose turn it is."""
        if not step.references:
            return self.intra
        assert self.inter is not None, "check_gop lets no structure with references pass"
        return self.inter

    def q_or_default(self, q: float | None) -> float:
        """Return ``q`` as a stream stores it, or the model's default."""
        return self.default_q if q is None else checked_q(q)

    def check_gop(self, gop: GopStructure) -> None:
        """Raise SettingError unless the codecs can code what the structure asks of them."""
        if gop.references_per_step == 0:
            return
        if self.inter is None:
            raise SettingError(f"{self.name!r} codes intra frames only; choose the GOP structure 'all-intra'")
        if gop.references_per_step < self.inter.references_needed:
            raise SettingError(
                f"The inter codec of {self.name!r} needs {self.inter.references_needed} references, "
                f"{gop} gives {gop.references_per_step}"
            )

    def check_ready(self, gop: GopStructure) -> None:
        """Raise SettingError unless coding can begin."""
        self.check_gop(gop)
        if self.training:
            raise SettingError("The codec is in training mode, where it codes with noise: call eval() first")


def _canonical(parts: Mapping[str, object]) -> str:
    """Return JSON that is the same for the same parts; an object of the user's is named by its class."""
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), default=_class_name)


def _class_name(value: object) -> str:
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"
