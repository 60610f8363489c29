"""A codec of ours as CompressAI's evaluation of videos calls its ssf2020: one frame after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from nvczoo.codec.gop_options import group_of, with_intra_period
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.compressai_form import CompressaiForm, LikelihoodCounter, Output, Strings, alone
from nvczoo.errors import SettingError
from nvczoo.interfaces import CodingStep, Reference

KEYFRAME, INTER = "keyframe", "inter"
HYPER = "hyper"  # in the names of latents that CompressAI would call z
NO_MORE_KEYFRAMES = -1  # the script says when there is one


class CompressaiVideoForm(CompressaiForm):
    """``encode_keyframe``, ``encode_inter`` and so on, beside what ``CompressaiForm`` has.

    CompressAI's script hands the last decoded frame from call to call, and nothing else. What a codec
    remembers beside that frame is kept here, for one video at a time: SettingError if ``x_ref`` is another.
    """

    def __init__(self, codec: VideoCodec, q: float | None = None) -> None:
        super().__init__(codec, q)
        if codec.inter is None or codec.gop.group != 1 or codec.gop.references_per_step == 0:
            raise SettingError(f"{codec.name!r} does not code frames in order: load it with gop='low-delay'")
        self._gop = with_intra_period(codec.gop, NO_MORE_KEYFRAMES)
        self._number = 0
        self._references = ReferenceBuffer()
        self._last: Tensor | None = None

    def forward_keyframe(self, x: Tensor) -> tuple[Tensor, Output]:
        """Return a keyframe [1, 3, H, W] as a decoder has it, and likelihoods."""
        return self._estimated(x, self._first(), KEYFRAME)

    def forward_inter(self, x_cur: Tensor, x_ref: Tensor) -> tuple[Tensor, Output]:
        """Return the next frame [1, 3, H, W] as a decoder has it, and likelihoods."""
        return self._estimated(x_cur, self._next(x_ref), INTER)

    @torch.inference_mode()
    def encode_keyframe(self, x: Tensor) -> tuple[Tensor, Output]:
        """Return a keyframe as a decoder has it, and ``{"strings", "shape"}``."""
        step = self._first()
        layers, decoded = self._write(step, alone(x), ())
        return self._kept(step, decoded, x), {"strings": [[one] for one in layers], "shape": x.shape[-2:]}

    @torch.inference_mode()
    def encode_inter(self, x_cur: Tensor, x_ref: Tensor) -> tuple[Tensor, Output]:
        """Return the next frame as a decoder has it, and ``{"strings", "shape"}``, each a table."""
        step = self._next(x_ref)
        layers, decoded = self._write(step, alone(x_cur), self._references.of(step))
        strings = {INTER: [[one] for one in layers]}
        return self._kept(step, decoded, x_cur), {"strings": strings, "shape": {INTER: x_cur.shape[-2:]}}

    @torch.inference_mode()
    def decode_keyframe(self, strings: Strings, shape: tuple[int, ...]) -> Tensor:
        """Return the keyframe [1, 3, H, W], ``shape`` being H and W."""
        return self._decoded(self._first(), strings, shape)

    @torch.inference_mode()
    def decode_inter(
        self, x_ref: Tensor, strings: Mapping[str, Strings], shapes: Mapping[str, tuple[int, ...]]
    ) -> Tensor:
        """Return the next frame [1, 3, H, W]."""
        return self._decoded(self._next(x_ref), strings[INTER], shapes[INTER])

    def _first(self) -> CodingStep:
        self._number, self._references = 0, ReferenceBuffer()
        return group_of(self._gop, 0).steps[0]

    def _next(self, x_ref: Tensor) -> CodingStep:
        if self._last is None or not torch.equal(x_ref.clamp(0, 1), self._last):
            raise SettingError("x_ref is not the frame that was coded last: code one video after the other")
        self._number += 1
        return group_of(self._gop, self._number).steps[0]

    def _estimated(self, x: Tensor, step: CodingStep, name: str) -> tuple[Tensor, Output]:
        counter = LikelihoodCounter()
        decoded = self._code(step, self._image(alone(x)), self._references.of(step), counter, x)
        return self._kept(step, decoded, x), {name: _of_two(counter.likelihoods)}

    def _decoded(self, step: CodingStep, strings: Strings, shape: tuple[int, ...]) -> Tensor:
        layers = tuple(layer for (layer,) in strings)
        shown, decoded = self._read(step, layers, tuple(shape), self._references.of(step))
        return self._kept(step, decoded, shown)

    def _kept(self, step: CodingStep, decoded: Reference, like: Tensor) -> Tensor:
        """Return what is shown of a frame, and remember the rest of it."""
        self._references.add(step, decoded)
        self._references.release((), group_of(self._gop, self._number).horizon)
        shown = self._shown(decoded, like)
        self._last = shown.detach().clamp(0, 1)
        return shown


def _of_two(likelihoods: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return likelihoods as the script wants them, of ``y`` and of ``z``: a latent and a hyper latent."""
    split: dict[str, list[Tensor]] = {"y": [], "z": []}
    for name, one in likelihoods.items():
        split["z" if HYPER in name else "y"].append(one.flatten())
    return {name: torch.cat(found) if found else torch.ones(1) for name, found in split.items()}
