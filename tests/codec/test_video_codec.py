import copy

import pytest
import torch
from toy import ToyInter, ToyIntra, VarintCoder, toy_codec, toy_pictures

from nvczoo.codec import AllIntra, Hierarchical, LowDelay, VideoCodec
from nvczoo.errors import SettingError
from nvczoo.interfaces import CodingStep


def test_rgb_goes_in_and_comes_out() -> None:
    codec = toy_codec(layout="yuv444")
    row = torch.arange(40).unsqueeze(1).expand(40, 56)
    rgb = torch.stack([torch.stack((row * 4, row * 3 + 20, 200 - row * 2)) for _ in range(3)]).byte()
    decoded = codec.decode(codec.encode(rgb, 63)).to_rgb()
    assert decoded.shape == rgb.shape
    assert (decoded.int() - rgb.int()).abs().float().mean() < 12


def test_a_higher_q_is_bigger_and_better() -> None:
    codec = toy_codec()
    pictures = toy_pictures(3)
    sizes, errors = [], []
    for q in (0, 20, 63):
        data = codec.encode(pictures, q)
        video = codec.decode(data)
        sizes.append(len(data))
        pairs = zip(video, pictures, strict=True)
        errors.append(sum((one.y.int() - other.y.int()).abs().sum().item() for one, other in pairs))
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert errors == sorted(errors, reverse=True)


def test_the_default_q_is_used_where_none_is_given() -> None:
    codec = toy_codec()
    assert codec.encode(toy_pictures(2)) == codec.encode(toy_pictures(2), 32)
    other = VideoCodec(codec.intra, codec.inter, codec.gop, None, codec.coder, "toy", codec.parts, 40.5)
    assert other.encode(toy_pictures(2)) == codec.encode(toy_pictures(2), 40.5)


def test_encoding_twice_gives_the_same_bytes() -> None:
    assert toy_codec().encode(toy_pictures(5)) == toy_codec().encode(toy_pictures(5))


def test_identity_follows_parts_and_weights_and_nothing_else() -> None:
    codec = toy_codec()
    assert codec.identity == toy_codec().identity == toy_codec(AllIntra()).identity
    assert len(codec.identity) == 32

    weights = copy.deepcopy(codec)
    with torch.no_grad():
        next(weights.parameters())[0, 0, 0, 0] += 1e-6
    assert weights.identity != codec.identity

    parts = VideoCodec(codec.intra, codec.inter, codec.gop, None, codec.coder, "toy", {"inter": ToyInter})
    assert parts.identity != codec.identity
    again = VideoCodec(codec.intra, codec.inter, codec.gop, None, codec.coder, "other", {"inter": ToyInter})
    assert again.identity == parts.identity


def test_the_layouts_of_intra_and_inter_must_agree() -> None:
    with pytest.raises(SettingError, match="yuv444, the inter codec in packed420"):
        VideoCodec(ToyIntra("yuv444"), ToyInter(), LowDelay(), None, VarintCoder())


def test_a_codec_of_images_takes_no_structure_with_references() -> None:
    with pytest.raises(SettingError, match="all-intra"):
        VideoCodec(ToyIntra(), None, LowDelay(), None, VarintCoder())
    images = VideoCodec(ToyIntra(), None, AllIntra(), None, VarintCoder())
    assert len(images.decode(images.encode(toy_pictures(3)))) == 3


def test_a_structure_must_give_the_references_the_codec_needs() -> None:
    inter = ToyInter(references=2)
    with pytest.raises(SettingError, match="needs 2 references"):
        VideoCodec(ToyIntra(), inter, LowDelay(long_term=0), None, VarintCoder())
    both = VideoCodec(ToyIntra(), inter, Hierarchical(4, 4), None, VarintCoder())
    assert len(both.decode(both.encode(toy_pictures(6)))) == 6


def test_a_new_codec_is_ready_and_pads_for_both_of_its_codecs() -> None:
    codec = toy_codec()
    assert not codec.training
    assert codec.stride == 16
    assert codec.padded_size((18, 22)) == (32, 32)
    assert codec.codec_of(CodingStep((0,))) is codec.intra
    assert codec.codec_of(CodingStep((1,), (0,))) is codec.inter
    assert codec.device == torch.device("cpu")
