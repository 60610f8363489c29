"""``Model``: a codec made from a card, which can be kept in a folder and shared on the Hub."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from nvczoo import saving
from nvczoo.cards import ModelCard
from nvczoo.codec.arithmetic import FLOAT32
from nvczoo.codec.video_codec import DEFAULT_Q, VideoCodec
from nvczoo.hub import ANY, HubAccess
from nvczoo.overrides import WEIGHTED


class Model(VideoCodec):
    """What ``nvczoo.load`` and ``nvczoo.create`` return; ``card`` says what it is made of.

    ``built`` holds its parts by their place at the top level.
    """

    def __init__(
        self,
        card: ModelCard,
        built: Mapping[str, Any],
        default_q: float = DEFAULT_Q,
        precision: str = FLOAT32,
    ) -> None:
        super().__init__(
            built["intra"],
            built.get("inter"),
            built["gop"],
            built["rate_sampler"],
            built["entropy_coder"],
            card.name,
            json.loads(card.canonical),
            default_q,
            precision,
            card.known_answer,
        )
        self.card = card

    @property
    def modules_by_place(self) -> dict[str, nn.Module]:
        """What weights are for, by the beginning of their names."""
        found = ((place, getattr(self, place)) for place in WEIGHTED)
        return {place: module for place, module in found if module is not None}

    def save_pretrained(
        self, folder: str | os.PathLike[str], card: ModelCard | None = None, overwrite: bool = False
    ) -> Path:
        """Write ``config.json``, ``model.safetensors`` and ``README.md``; return the folder.

        ``nvczoo.load`` takes it as it is. ``card`` says something else of licence, training or results:
        ``dataclasses.replace(model.card, results=...)``. Without it, results are left out if the weights
        are no longer those that the card speaks of. Weights of more than 2 GB become several files. The
        folder appears whole or not at all.

        Raises SettingError for parts that a card cannot hold, WeightsError for a folder that cannot be
        written.
        """
        return saving.save(self.modules_by_place, card or saving.honest_card(self), folder, overwrite)

    def push_to_hub(
        self,
        repository: str,
        card: ModelCard | None = None,
        private: bool | None = None,
        revision: str | None = None,
        access: HubAccess = ANY,
    ) -> str:
        """Write the same files to a repository ("owner/name") in one commit; return the name to load it by.

        The repository is made if there is none. That name has the commit in it, so that it stays what it
        is. Raises HubError.
        """
        card = card or saving.honest_card(self)
        return saving.push(self.modules_by_place, card, saving.Target(repository, private, revision), access)
