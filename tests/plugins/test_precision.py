"""bfloat16: the header tells it, and what was written with it is read to the bit."""

import pytest
import torch
from narrow_models import NARROW

import nvczoo
from nvczoo.codec.container import StreamReader
from nvczoo.codec.files import EncodeOptions, opened

VIDEO = (torch.rand(3, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()


@pytest.mark.parametrize("model", [name for name in NARROW if name != "dcvc"])  # which takes a second more
def test_streams_of_bfloat16_decode_to_what_the_encoder_saw(model: str) -> None:
    codec = nvczoo.create(model, parts=NARROW[model], precision="bfloat16")
    options = EncodeOptions(picture_checksums=True)
    data = codec.encode(VIDEO, q=40.0, options=options)
    with opened(data) as file:
        assert StreamReader(file).header.arithmetic.profile == "bfloat16"
    plain = nvczoo.create(model, parts=NARROW[model])
    decoded = plain.decode(data).to_rgb()  # compares every picture with the encoder's
    assert not torch.equal(decoded, plain.decode(plain.encode(VIDEO, q=40.0)).to_rgb())
