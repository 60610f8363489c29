import numpy as np
import pytest
import torch

from nvczoo.errors import SettingError
from nvczoo.layers import Packed420
from nvczoo.train.augment import Crop, Pictures
from nvczoo.train.clips import Clip
from nvczoo.train.sampling import ClipSampler, samples
from nvczoo.train.sources import Data
from nvczoo.train.synthetic import set_in_motion, texture_side

SIDE = 32


def noise_picture(side: int, seed: int = 0) -> Pictures:
    """Return a smooth picture: of a rough one, interpolation would be most of any difference."""
    generator = torch.Generator().manual_seed(seed)
    planes = (torch.rand(1, channels, 6, 6, generator=generator) for channels in (1, 2))
    sides = (side, side // 2)
    return Pictures(
        *(
            torch.nn.functional.interpolate(p, (s, s), mode="bicubic").clamp(0, 1)
            for p, s in zip(planes, sides, strict=True)
        )
    )


def test_a_crop_is_decided_by_seed_step_and_row_alone(data: Data) -> None:
    crop = Crop(3, SIDE)
    whole = ClipSampler(data.train, crop, seed=(7,)).sample(5, range(4)).clip
    assert whole.shape == (4, 3, 6, SIDE // 2, SIDE // 2)
    assert 0 <= whole.min() <= whole.max() <= 1
    later = ClipSampler(data.train, crop, seed=(7,))
    later.sample(1, range(2))
    assert torch.equal(later.sample(5, range(2, 4)).clip, whole[2:])
    assert not torch.equal(later.sample(6, range(4)).clip, whole)
    assert not torch.equal(ClipSampler(data.train, crop, seed=(8,)).sample(5, range(4)).clip, whole)


def test_photographs_join_in_by_being_set_in_motion(data: Data) -> None:
    photographs = [clip for clip in data.train if clip.longest == 1]
    clip = ClipSampler(photographs, Crop(3, SIDE)).sample(0, range(3)).clip
    assert (clip[:, 1:] - clip[:, :-1]).abs().mean() > 0.002


def test_a_crop_that_fits_no_clip_is_told(data: Data) -> None:
    with pytest.raises(SettingError, match="No clip has 9 frames of 64x64"):
        ClipSampler(data.train, Crop(9, 64))


def test_no_crop_reaches_over_a_cut() -> None:
    class Recorder(Clip):
        def read(self, window):
            assert (window.first < 6) == (window.numbers[-1] < 6)
            count, side = len(window.numbers), window.side
            return np.zeros((count, side, side), np.uint8), np.zeros(
                (count, 2, side // 2, side // 2), np.uint8
            )

    clip = Recorder("x", 64, 64, ((0, 6), (6, 5)))
    sampler = ClipSampler([clip], Crop(3, SIDE))
    for step in range(100):
        sampler.sample(step, range(1))


@pytest.mark.slow
def test_workers_change_nothing(data: Data) -> None:
    sampler = ClipSampler(data.train, Crop(2, SIDE))
    alone = list(samples(sampler, range(2), 3, workers=0, end=8))
    shared = list(samples(sampler, range(2), 3, workers=2, end=8))
    assert len(alone) == 5
    assert all(torch.equal(one.clip, other.clip) for one, other in zip(alone, shared, strict=True))


def test_the_flow_says_where_each_pixel_was() -> None:
    side = 64
    texture = noise_picture(texture_side(side))
    errors, changes = [], []
    for seed in range(8):
        moving = set_in_motion(texture, 3, side, np.random.default_rng(seed))
        packed = moving.pictures.packed()
        moved = Packed420().warp(packed[:-1], moving.flow)
        inside = (slice(None), slice(None), slice(6, -6), slice(6, -6))  # what comes from outside is unknown
        errors.append((moved - packed[1:])[inside].abs().median())
        changes.append((packed[:-1] - packed[1:])[inside].abs().median())
    # Noise and flicker stay, and what the object in front uncovers.
    assert torch.stack(errors).mean() < 0.25 * torch.stack(changes).mean()


def test_motion_is_of_the_size_of_that_in_videos() -> None:
    texture = noise_picture(texture_side(128))
    lengths = [
        set_in_motion(texture, 2, 128, np.random.default_rng(seed)).flow.norm(dim=1).mean()
        for seed in range(20)
    ]
    assert 1 < torch.stack(lengths).mean() < 10  # pixels of the chroma grid, per frame


def test_synthetic_samples_know_their_flow_and_others_do_not(data: Data) -> None:
    sample = ClipSampler(data.train, Crop(3, SIDE), "synthetic").sample(0, range(2))
    assert sample.flow is not None
    assert sample.flow.shape == (2, 2, 2, SIDE // 2, SIDE // 2)
    videos = [clip for clip in data.train if clip.longest > 1]
    assert ClipSampler(videos, Crop(3, SIDE)).sample(0, range(2)).flow is None
