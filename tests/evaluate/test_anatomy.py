import torch

from nvczoo.codec import EncodeOptions, Video
from nvczoo.codec.gop_options import with_intra_period
from nvczoo.evaluate.model_coding import encode_watched
from nvczoo.evaluate.stills import bits_picture, motion_picture
from nvczoo.loading import create


def test_a_watched_stream_is_the_stream_and_its_parts_add_up_to_it(tiny_video: Video) -> None:
    codec = create("ev-nvc-s")
    gop = with_intra_period(codec.gop, 3)
    data, steps = encode_watched(codec, tiny_video, 40, gop)
    assert data == codec.encode(tiny_video, 40, EncodeOptions(intra_period=3))
    for packet, writer in steps:
        coded = 8 * sum(len(layer.data) for layer in packet.layers)
        counted = writer.anatomy.parts
        assert abs(sum(counted.values()) - coded) < 0.02 * coded + 400  # the coder's lanes end with bytes
        prefix = "intra." if packet.intra else ("frame.", "motion.")
        assert all(name.startswith(prefix) for name in counted)


def test_bits_are_shown_where_they_were_spent(tiny_video: Video) -> None:
    codec = create("ev-nvc-s")
    _, steps = encode_watched(codec, tiny_video, 40, codec.gop)
    for packet, writer in steps:
        anatomy = writer.anatomy
        assert anatomy.bit_map is not None
        assert abs(float(anatomy.bit_map.sum()) - sum(anatomy.parts.values())) < 0.01 * float(
            anatomy.bit_map.sum()
        )
        assert (anatomy.flow is None) == packet.intra


def test_motion_to_the_right_is_red_and_stillness_white() -> None:
    flow = torch.zeros(2, 4, 4)
    flow[0, :, 2:] = 8.0
    picture = motion_picture(flow, (8, 8))
    assert picture.shape == (3, 8, 8)
    assert picture[:, 0, 0].tolist() == [255, 255, 255]
    assert picture[:, 0, 7].tolist() == [255, 0, 0]


def test_most_bits_are_bright_and_none_are_black() -> None:
    picture = bits_picture(torch.tensor([[0.0, 4.0]]), (2, 4)).int().sum(0)
    assert picture[0, 0] < 10
    assert picture[0, 3] > 600
