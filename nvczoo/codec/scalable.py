"""What a video looks like without the layers that can be dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from nvczoo.codec.header import LayerDescription, StreamHeader
from nvczoo.errors import SettingError
from nvczoo.interfaces import InterCodec, IntraCodec
from nvczoo.video.picture import VideoInfo

LayerChoice = Literal["all", "base"]  # all that are there, or the base layer alone


def described_layers(intra: IntraCodec, inter: InterCodec | None, info: VideoInfo) -> LayerDescription | None:
    """Return the layers that codecs make of such a video, or None if none can be dropped.

    It is the inter codec that says what remains, so there are none without one.
    """
    if inter is None or not (names := dict.fromkeys((*intra.layers, *inter.layers))):
        return None
    height, width = inter.base_size((info.height, info.width))
    return LayerDescription(tuple(names), (width, height))


def wants_base(layers: LayerDescription | None, choice: LayerChoice, what: str) -> bool:
    """Return whether the base layer alone is shown; raises SettingError if there is no such thing.

    ``what`` is the stream or codec that has the layers, for the message.
    """
    if choice not in ("all", "base"):
        raise SettingError(f"layers={choice!r}: choose 'all' or 'base'")
    if choice == "base" and layers is None:
        raise SettingError(f"{what} has one layer only, so there is no base layer to pick: leave layers out")
    return choice == "base" or (layers is not None and layers.base_only)


def shown_info(header: StreamHeader, choice: LayerChoice) -> VideoInfo:
    """Return what the decoded video is like: smaller, if only the base layer is shown."""
    if not wants_base(header.layers, choice, "The stream"):
        return header.info
    assert header.layers is not None, "wants_base has refused such a stream"
    width, height = header.layers.base_size
    return replace(header.info, width=width, height=height)
