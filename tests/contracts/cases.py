"""Each registered part, small enough to be checked in a second."""

import re
from collections.abc import Mapping
from functools import cache

from narrow_models import NARROW

import nvczoo
from nvczoo import assemble, cards
from nvczoo.cards import ModelCard
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.overrides import PLACES

CHANNELS, CONTEXT_CHANNELS = 8, 4
IMAGE_CHANNELS, FEATURE_CHANNELS = 6, 8
FUSER = {"channels": [8, 8, 8], "image_channels": IMAGE_CHANNELS, "feature_channels": FEATURE_CHANNELS}

ONE_SCALE, ONE_SCALE_FUSERS = [8], ("dcvc-contexts",)


def part(kind: str, name: str, **options: object) -> object:
    return assemble.build(kind, {"name": name, **options})


@cache
def smallest_model(place: str, name: str) -> VideoCodec:
    """Return the smallest model whose card has the codec ``name`` as its ``intra`` or ``inter``."""
    found = [card for card in map(cards.find, nvczoo.models()) if _name(card.parts.get(place)) == name]
    assert found, f"no card has the {PLACES[place]} {name!r}: a codec comes with a model that uses it"
    model = min(found, key=_size).name
    return nvczoo.create(model, parts=NARROW.get(model))


def _name(value: object) -> object:
    return value["name"] if isinstance(value, Mapping) else value


def _size(card: ModelCard) -> int:
    """Return the sum of a card's numbers: widths and depths, so it tells small from large."""
    return sum(map(int, re.findall(r"\d+", card.canonical)))
