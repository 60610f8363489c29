import io

import av
import numpy as np
import pytest
import torch

from nvczoo.video.png import png


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 96)])
def test_a_png_holds_the_picture(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    rgb = torch.randint(0, 256, (3, *size), generator=generator).byte()
    with av.open(io.BytesIO(png(rgb))) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == "rgb24"
        assert np.array_equal(frame.to_ndarray(), rgb.permute(1, 2, 0).numpy())


def test_a_smooth_picture_becomes_small() -> None:
    ramp = (torch.arange(256)[None, :] // 2 + torch.arange(128)[:, None]).byte().expand(3, -1, -1)
    assert len(png(ramp)) < ramp.numel() / 50
