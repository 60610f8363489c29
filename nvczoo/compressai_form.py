"""A codec of ours with the conventions of CompressAI, so that what is written for its models runs on it.

CompressAI itself is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nvczoo.codec.arithmetic import deterministic
from nvczoo.codec.gop_options import group_of
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.errors import SettingError, ShapeError
from nvczoo.interfaces import CodingStep, Distribution, Reference, Setting, SymbolStream
from nvczoo.layers import crop, pad_to_multiple
from nvczoo.video.colour import in_layout, rgb_of_layout

Output = dict[str, Any]  # CompressAI's convention, not ours
Strings = Sequence[Sequence[bytes]]  # by layer, then by picture of the batch

LEAST_LIKELIHOOD = 1e-9  # as CompressAI has it; about what a symbol costs that the coder has to escape


class CompressaiForm(nn.Module):
    """``forward``, ``compress`` and ``decompress`` as CompressAI has them, at one ``q``.

    A tensor [B, 3, H, W] of R'G'B' in 0..1 is a batch of pictures, a list of them a video. Any size is padded
    and cropped. Strings hold what the entropy coder wrote, and nothing of a stream's headers, as
    in CompressAI; ``shape`` is (H, W). Strings and shapes of a video are in coding order.
    """

    def __init__(self, codec: VideoCodec, q: float | None = None) -> None:
        super().__init__()
        if codec.inter is not None and codec.inter.frames_per_step != 1:
            raise SettingError(
                f"{codec.name!r} codes several frames in a step, which CompressAI has no form for"
            )
        self.codec = codec
        self.q = codec.q_or_default(q)

    def forward(self, x: Tensor | Sequence[Tensor]) -> Output:
        """Return ``x_hat`` and ``likelihoods``, by latent; for a video a list of each, in display order."""
        if isinstance(x, Tensor):
            counter = LikelihoodCounter()
            decoded = self._code(CodingStep((0,)), self._image(x), (), counter, x)
            return {"x_hat": self._shown(decoded, x), "likelihoods": counter.likelihoods}
        frames, likelihoods = [*x], [{} for _ in x]
        shown: list[Tensor] = [*x]
        for step, references in self._steps(len(frames)):
            at = step.frames[0]
            counter = LikelihoodCounter()
            decoded = self._code(step, self._image(x[at]), references.of(step), counter, x[at])
            references.add(step, decoded)
            shown[at], likelihoods[at] = self._shown(decoded, x[at]), counter.likelihoods
        return {"x_hat": shown, "likelihoods": likelihoods}

    @torch.inference_mode()
    def compress(self, x: Tensor | Sequence[Tensor]) -> Any:
        """Return ``{"strings", "shape"}``; for a video a list of strings and one of shapes."""
        if isinstance(x, Tensor):
            written = [self._write(CodingStep((0,)), one[None], ())[0] for one in x]
            return {"strings": [list(layer) for layer in zip(*written, strict=True)], "shape": x.shape[-2:]}
        strings, shapes = [], []
        for step, references in self._steps(len(x)):
            at = step.frames[0]
            layers, decoded = self._write(step, alone(x[at]), references.of(step))
            references.add(step, decoded)
            strings.append([[layer] for layer in layers])
            shapes.append(x[at].shape[-2:])
        return strings, shapes

    @torch.inference_mode()
    def decompress(self, strings: Any, shape: Any) -> Any:
        """Return ``{"x_hat"}``; for the lists of a video the list of its frames."""
        if not isinstance(shape, list):
            found = [
                self._read(CodingStep((0,)), layers, tuple(shape), ())[0]
                for layers in zip(*strings, strict=True)
            ]
            return {"x_hat": torch.cat(found)}
        shown: dict[int, Tensor] = {}
        for (step, references), one, size in zip(self._steps(len(shape)), strings, shape, strict=True):
            at = step.frames[0]
            layers = tuple(layer for (layer,) in one)
            shown[at], decoded = self._read(step, layers, tuple(size), references.of(step))
            references.add(step, decoded)
        return [shown[at] for at in sorted(shown)]

    def update(self, *args: object, **options: object) -> bool:
        """Return False: there are no tables to bring up to date."""
        del args, options
        return False

    def aux_loss(self) -> Tensor:
        """Return 0: there are no quantiles to learn beside."""
        return torch.zeros((), device=self.codec.device)

    def _steps(self, count: int) -> Iterator[tuple[CodingStep, ReferenceBuffer]]:
        """Yield steps in coding order, with what is decoded so far."""
        references = ReferenceBuffer()
        first = 0
        while first < count:
            group = group_of(self.codec.gop, first, count - first)
            for number, step in enumerate(group.steps):
                yield step, references
                references.release(group.steps[number + 1 :], group.horizon)
            first = group.last + 1

    def _code(
        self,
        step: CodingStep,
        image: Tensor | None,
        references: tuple[Reference, ...],
        stream: SymbolStream,
        like: Tensor,
    ) -> Reference:
        q = torch.full((len(like) if image is not None else 1,), self.q, device=self.codec.device)
        size = self.codec.padded_size((like.shape[-2], like.shape[-1]))
        setting = Setting(q, size, step.level, step.distances)
        return self.codec.codec_of(step).code(image, references, setting, stream)

    def _write(
        self, step: CodingStep, picture: Tensor, references: tuple[Reference, ...]
    ) -> tuple[tuple[bytes, ...], Reference]:
        writer = BitWriter(self.codec.coder)
        with deterministic():
            decoded = self._code(step, self._image(picture), references, writer, picture)
            return tuple(data for _, data in writer.finish()), decoded

    def _read(
        self,
        step: CodingStep,
        layers: tuple[bytes, ...],
        size: tuple[int, ...],
        references: tuple[Reference, ...],
    ) -> tuple[Tensor, Reference]:
        names = ("", *self.codec.codec_of(step).layers)
        reader = BitReader(self.codec.coder, dict(zip(names, layers, strict=False)))
        like = torch.empty(1, 3, *size, device="meta")
        with deterministic():
            decoded = self._code(step, None, references, reader, like)
            reader.finish()
        return self._shown(decoded, like), decoded

    def _image(self, picture: Tensor) -> Tensor:
        if picture.ndim != 4 or picture.shape[1] != 3:
            raise ShapeError(f"CompressAI's pictures are [B, 3, H, W], not {list(picture.shape)}")
        padded = pad_to_multiple(picture.float(), self.codec.stride)
        image = in_layout(padded.to(self.codec.device), self.codec.layout)
        return image.contiguous(memory_format=torch.channels_last)

    def _shown(self, decoded: Reference, like: Tensor) -> Tensor:
        return crop(rgb_of_layout(decoded.frame, self.codec.layout), (like.shape[-2], like.shape[-1]))


class LikelihoodCounter(BitCounter):
    """Keeps the likelihood of each symbol, by name."""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[str, list[Tensor]] = {}

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return rounded values, and keep how probable they are; what is not coded is certain."""
        symbols = super().code(name, values, distribution, mask)
        bits = distribution.bits(symbols)
        likelihood = torch.exp2(-(bits if mask is None else bits * mask)).clamp_min(LEAST_LIKELIHOOD)
        self._found.setdefault(name, []).append(likelihood)
        return symbols

    @property
    def likelihoods(self) -> dict[str, Tensor]:
        """All of a latent's in one tensor [B, ...]; those of several passes one after the other."""
        return {
            name: one[0] if len(one) == 1 else torch.cat([part.flatten(1) for part in one], 1)
            for name, one in self._found.items()
        }


def alone(picture: Tensor) -> Tensor:
    """Return a picture [1, 3, H, W] as it is; raises ShapeError for several."""
    if len(picture) != 1:
        raise ShapeError(
            f"Videos are compressed one by one: give frames [1, 3, H, W], not {list(picture.shape)}"
        )
    return picture
