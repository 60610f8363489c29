"""Joining features keeps the memory format that convolutions want."""

import torch

from nvczoo.layers import join


def test_joined_features_are_channels_last_whatever_they_were() -> None:
    slices = torch.rand(2, 8, 5, 7)[:, 1::3, :, :]
    plane = torch.rand(2, 1, 1, 1).expand(2, 1, 5, 7)
    joined = join(slices, plane)
    assert torch.equal(joined, torch.cat((slices, plane), dim=1))
    assert joined.is_contiguous(memory_format=torch.channels_last)
