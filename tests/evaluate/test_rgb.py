import pytest
import torch
from narrow_models import NARROW

import nvczoo
from nvczoo import cards
from nvczoo.codec import Video
from nvczoo.codec.frames import image_from_planes
from nvczoo.errors import SettingError
from nvczoo.evaluate.rgb import NAMES, named_matrix, psnr_rgb, taken_as
from nvczoo.video import Picture


def test_the_matrix_changes_the_figure(tiny_video: Video) -> None:
    decoded = [Picture(one.y, (one.u + 5).byte(), one.v) for one in tiny_video]
    values = {name: psnr_rgb(tiny_video, decoded, named_matrix(name)) for name in NAMES}
    assert len(set(values.values())) == len(NAMES)
    assert all(25 < value < 50 for value in values.values())
    with pytest.raises(SettingError, match="bt709-full"):
        named_matrix("bt709")


def test_a_codec_of_rgb_sees_what_the_named_matrix_makes(tiny_video: Video) -> None:
    codec = nvczoo.create("evc-ss", parts=NARROW["evc-ss"])
    seen = [codec.images(taken_as(tiny_video, name)) for name in NAMES]
    assert all(not torch.equal(seen[0], other) for other in seen[1:])
    picture = next(iter(tiny_video))
    image = image_from_planes(picture.planes, "rgb", codec.stride, named_matrix(NAMES[0]))
    assert torch.equal(seen[0][0, 0], image[0])


@pytest.mark.parametrize("model", cards.names())
def test_the_colour_of_a_card_is_a_matrix_that_eval_knows(model: str) -> None:
    card = cards.find(model)
    assert card.colour in ("", *NAMES)
    if card.colour:
        assert card.as_table()["colour"] == card.colour  # an imported model keeps it
