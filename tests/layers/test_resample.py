import torch
from torch.nn import functional as F

from nvczoo.layers import crop, pad_to_multiple, with_border


def picture(height: int, width: int) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_padding_to_a_multiple_and_back_is_the_picture() -> None:
    padded = pad_to_multiple(picture(13, 22), 8)
    assert padded.shape == (2, 3, 16, 24)
    assert torch.equal(crop(padded, (13, 22)), picture(13, 22))
    assert torch.equal(padded[..., -1, :22], picture(13, 22)[..., -1, :])


def test_a_border_repeats_what_is_next_to_it() -> None:
    for height, width in ((4, 6), (1, 1)):
        x = picture(height, width)
        assert torch.equal(with_border(x), F.pad(x, (1, 1, 1, 1), mode="replicate"))
