"""What stretching the data may change, and what it must not."""

import numpy as np
import torch

from nvczoo.train.augment import Pictures, recoloured


def test_turning_hues_keeps_luma_and_how_strong_colours_are() -> None:
    draw = np.random.default_rng(5)
    whole = torch.rand(3, 2, 8, 8) * 0.4 + 0.3  # nothing that could leave 0..1
    pictures = Pictures(torch.rand(3, 1, 16, 16), whole)

    turned = [recoloured(pictures, draw) for _ in range(40)]

    assert all(torch.equal(one.luma, pictures.luma) for one in turned)
    strength = (whole - 0.5).norm(dim=1)
    assert all(torch.allclose((one.chroma - 0.5).norm(dim=1), strength, atol=1e-6) for one in turned)
    same = sum(torch.equal(one.chroma, whole) for one in turned)
    assert 8 < same < 32  # about half


def test_a_clip_is_turned_by_one_angle() -> None:
    draw = np.random.default_rng(1)
    grey_blue = torch.full((4, 2, 2, 2), 0.5)
    grey_blue[:, 0] = 0.7
    pictures = Pictures(torch.rand(4, 1, 4, 4), grey_blue)

    turned = [recoloured(pictures, draw).chroma for _ in range(10)]

    assert all(torch.equal(chroma[0], frame) for chroma in turned for frame in chroma)
