"""Published models made small enough for tests: what to give ``nvczoo.create`` as ``parts``."""

import json
from pathlib import Path

import torch

import nvczoo
from nvczoo import cards
from nvczoo.hub import sha256_of
from nvczoo.loading import HUB_CARD, WEIGHTS_FILE
from nvczoo.weights import save_weights

NARROW = {
    "dcvc-fm": {
        "intra.widths": [8, 8, 16],
        "intra.latent_channels": 16,
        "intra.entropy_model.channels": 16,
        "intra.entropy_model.hyper_channels": 8,
        "inter.latent_channels": 16,
        "inter.motion_channels": 8,
        "inter.motion_estimator.widths": [8, 16, 8, 4],
        "inter.motion_estimator.kernels": [5, 5, 3, 3],
        "inter.context_fuser.channels": [16, 8, 8],
        "inter.context_fuser.feature_channels": 16,
        "inter.entropy_model.channels": 16,
        "inter.entropy_model.context_channels": 32,
        "inter.entropy_model.channels_before": 16,
        "inter.entropy_model.previous_channels": 16,
        "inter.entropy_model.fused_channels": 48,
        "inter.entropy_model.hyper_channels": 8,
        "inter.motion_entropy_model.channels": 8,
        "inter.motion_entropy_model.context_channels": 8,
        "inter.motion_entropy_model.previous_channels": 8,
        "inter.motion_entropy_model.fused_channels": 16,
        "inter.motion_entropy_model.hyper_channels": 8,
    },
    "dcvc-dc": {
        "intra.widths": [8, 8, 16],
        "intra.latent_channels": 16,
        "intra.entropy_model.channels": 16,
        "inter.latent_channels": 16,
        "inter.motion_channels": 8,
        "inter.motion_estimator.widths": [8, 16, 8, 4],
        "inter.context_fuser.channels": [16, 8, 8],
        "inter.context_fuser.feature_channels": 16,
        "inter.entropy_model.channels": 16,
        "inter.entropy_model.context_channels": 32,
        "inter.entropy_model.channels_before": 16,
        "inter.entropy_model.previous_channels": 16,
        "inter.entropy_model.fused_channels": 48,
        "inter.motion_entropy_model.channels": 8,
        "inter.motion_entropy_model.context_channels": 8,
        "inter.motion_entropy_model.previous_channels": 8,
        "inter.motion_entropy_model.fused_channels": 16,
    },
    **{
        name: {
            "intra.encoder_widths": [8, 8, 16, 16],
            "intra.decoder_widths": [8, 8, 16, 16],
            "intra.entropy_model.channels": 16,
        }
        for name in ("evc-ss", "evc-scale-ss")
    },
    "dcvc-hem": {
        "intra.latent_channels": 16,
        "intra.entropy_model.channels": 16,
        "inter.latent_channels": 16,
        "inter.motion_channels": 8,
        "inter.motion_estimator.widths": [8, 16, 8, 4],
        "inter.context_fuser.channels": [16, 8, 8],
        "inter.context_fuser.feature_channels": 16,
        "inter.entropy_model.channels": 16,
        "inter.entropy_model.context_channels": 48,
        "inter.entropy_model.channels_before": 32,
        "inter.entropy_model.hyper_channels": 8,
        "inter.entropy_model.fused_channels": 64,
        "inter.motion_entropy_model.channels": 8,
        "inter.motion_entropy_model.context_channels": 8,
    },
    "dcvc-tcm": {
        "intra.latent_channels": 16,
        "intra.entropy_model.channels": 16,
        "inter.latent_channels": 16,
        "inter.motion_channels": 8,
        "inter.motion_estimator.widths": [8, 16, 8, 4],
        "inter.context_fuser.channels": [16, 8, 8],
        "inter.context_fuser.feature_channels": 16,
        "inter.entropy_model.channels": 16,
        "inter.entropy_model.context_channels": 32,
        "inter.entropy_model.hyper_channels": 8,
        "inter.motion_entropy_model.channels": 8,
        "inter.motion_entropy_model.hyper_channels": 8,
    },
    "dcvc": {
        "intra.latent_channels": 16,
        "intra.entropy_model.channels": 16,
        "inter.latent_channels": 16,
        "inter.motion_channels": 8,
        "inter.hidden_channels": 8,
        "inter.motion_estimator.widths": [8, 16, 8, 4],
        "inter.context_fuser.channels": [8],
        "inter.entropy_model.channels": 16,
        "inter.entropy_model.context_channels": 16,
        "inter.entropy_model.hyper_channels": 8,
        "inter.entropy_model.hyper_widths": [16, 16, 16],
        "inter.motion_entropy_model.channels": 8,
        "inter.motion_entropy_model.hyper_channels": 8,
        "inter.motion_entropy_model.hyper_widths": [8, 12, 16],
    },
    "brhvc": {
        "intra.widths": [8, 8, 16],
        "intra.latent_channels": 16,
        "intra.entropy_model.channels": 16,
        "inter.channels": [16, 8, 8],
        "inter.latent_channels": 16,
        "inter.motion_channels": 8,
        "inter.relation_channels": 8,
        "inter.motion_estimator.widths": [8, 16, 8, 4],
        "inter.entropy_model.channels": 16,
        "inter.entropy_model.context_channels": 48,
        "inter.entropy_model.channels_before": 16,
        "inter.entropy_model.previous_channels": 32,
        "inter.entropy_model.adapted_channels": 48,
        "inter.motion_entropy_model.channels": 8,
        "inter.motion_entropy_model.context_channels": 24,
        "inter.motion_entropy_model.previous_channels": 16,
        "inter.motion_entropy_model.adapted_channels": 16,
    },
    "sevc": {
        "intra.widths": [8, 8, 16],
        "intra.latent_channels": 16,
        "intra.entropy_model.channels": 16,
        "inter.channels": [16, 8, 8],
        "inter.latent_channels": 16,
        "inter.base_feature_channels": 16,
        "inter.base_latent_channels": 16,
        "inter.entropy_model.channels": 16,
        "inter.entropy_model.context_channels": 32,
        "inter.base.latent_channels": 16,
        "inter.base.motion_channels": 8,
        "inter.base.motion_estimator.widths": [8, 16, 8, 4],
        "inter.base.context_fuser.channels": [16, 8, 8],
        "inter.base.context_fuser.feature_channels": 16,
        "inter.base.entropy_model.channels": 16,
        "inter.base.entropy_model.context_channels": 32,
        "inter.base.entropy_model.channels_before": 16,
        "inter.base.entropy_model.previous_channels": 16,
        "inter.base.entropy_model.fused_channels": 48,
        "inter.base.motion_entropy_model.channels": 8,
        "inter.base.motion_entropy_model.context_channels": 8,
        "inter.base.motion_entropy_model.previous_channels": 8,
        "inter.base.motion_entropy_model.fused_channels": 16,
    },
}


def narrow_folder(model: str, folder: Path, seed: int = 7) -> Path:
    """Make a folder with a narrow, untrained model that loads by its path; return it."""
    folder.mkdir()
    card = cards.find(model).with_overrides(NARROW[model])
    codec = nvczoo.create(model, parts=NARROW[model], seed=seed)
    weights = folder / WEIGHTS_FILE
    save_weights({"intra": codec.intra, "inter": codec.inter}, weights, torch.float32)
    weighed = {"file": weights.name, "sha256": sha256_of(weights)}
    (folder / HUB_CARD).write_text(json.dumps(card.as_table() | {"weights": weighed}))
    return folder
