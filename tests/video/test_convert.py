import io
from fractions import Fraction

import av
import numpy as np
import pytest
from video_clips import grey_frame, read

from nvczoo.errors import VideoError
from nvczoo.video import Colour

SIZE = 32
LIMITED, FULL = 1, 2  # libav's color_range


def clip(
    frame: av.VideoFrame, codec: str = "ffv1", colour_range: int = LIMITED, matrix: int = 1
) -> io.BytesIO:
    """Return a Matroska file of one frame, stored without loss in the frame's own format."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, frame.format.name
        stream.codec_context.color_range = colour_range
        stream.codec_context.colorspace = matrix
        frame.color_range, frame.colorspace = colour_range, matrix
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def filled(pixel_format: str, values: tuple[int, ...], dtype: type = np.uint8) -> av.VideoFrame:
    frame = av.VideoFrame(SIZE, SIZE, pixel_format)
    for plane, value in zip(frame.planes, values, strict=True):
        np.frombuffer(plane, dtype)[:] = value
    return frame


def noisy_10_bit() -> tuple[av.VideoFrame, np.ndarray]:
    frame = filled("yuv420p10le", (0, 512, 512), np.uint16)
    luma = np.frombuffer(frame.planes[0], np.uint16).reshape(SIZE, -1)
    luma[:] = np.random.default_rng(0).integers(64, 941, luma.shape)
    return frame, luma[:, :SIZE].astype(np.int64)


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv422p", "yuv444p", "gray", "bgr0", "yuva420p"])
def test_other_formats_are_refused_by_name_with_the_fix(pixel_format: str) -> None:
    frame = grey_frame(SIZE, pixel_format)

    with pytest.raises(VideoError, match=rf"{pixel_format}; only 8-bit 4:2:0 .* convert=True"):
        read(clip(frame))


def test_8_bit_420_is_untouched_and_no_conversion_is_stated() -> None:
    reader, pictures = read(clip(filled("yuv420p", (7, 201, 33))), convert=True)

    assert reader.conversion is None
    assert [int(plane.unique()) for plane in pictures[0].planes] == [7, 201, 33]


@pytest.mark.parametrize(("colour_range", "per_level"), [(LIMITED, 4), (FULL, 1023 / 255)])
def test_10_bit_keeps_its_range_and_loses_depth_only(colour_range: int, per_level: float) -> None:
    frame, luma = noisy_10_bit()

    reader, pictures = read(clip(frame, colour_range=colour_range), convert=True)

    error = np.abs(pictures[0].y.numpy() - luma / per_level)
    assert error.max() <= 1  # half a level of rounding, half of dither
    assert abs((pictures[0].y.numpy() - luma / per_level).mean()) < 0.1
    assert reader.info.colour == Colour(colour_range == FULL, matrix=1)
    assert reader.conversion is not None
    assert "yuv420p10le to 8-bit 4:2:0: matrix and range kept" in reader.conversion


@pytest.mark.parametrize("pixel_format", ["yuv422p", "yuv444p", "yuv440p", "yuv411p"])
@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
def test_chroma_is_scaled_and_luma_left_alone(pixel_format: str, colour_range: int) -> None:
    frame = filled(pixel_format, (0, 90, 170))
    luma = np.frombuffer(frame.planes[0], np.uint8).reshape(SIZE, -1)
    luma[:] = np.random.default_rng(1).integers(0, 256, luma.shape)

    reader, pictures = read(clip(frame, colour_range=colour_range), convert=True)

    assert np.array_equal(pictures[0].y.numpy(), luma[:, :SIZE])
    assert [int(plane.unique()) for plane in pictures[0].planes[1:]] == [90, 170]
    assert reader.info.colour.full_range == (colour_range == FULL)


def test_full_range_by_name_is_full_range() -> None:
    reader, pictures = read(clip(filled("yuvj420p", (255, 1, 254)), "mjpeg", FULL))

    assert reader.info.colour.full_range
    assert reader.conversion is None
    assert int(pictures[0].y.max()) > 250


@pytest.mark.parametrize("rgb", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (12, 200, 77)])
def test_rgb_becomes_bt709_full_range(rgb: tuple[int, int, int]) -> None:
    pixels = np.broadcast_to(np.array(rgb, np.uint8), (SIZE, SIZE, 3)).copy()

    reader, pictures = read(
        clip(av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="bgr0")), convert=True
    )

    red, green, blue = rgb
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue  # BT.709, table 3
    wanted = (luma, 128 + (blue - luma) / 1.8556, 128 + (red - luma) / 1.5748)
    for plane, value in zip(pictures[0].planes, wanted, strict=True):
        assert abs(int(plane[3, 3]) - min(value, 255)) <= 1
    assert reader.info.colour == Colour(True, matrix=1, primaries=1, transfer=13)
    assert reader.conversion is not None
    assert "matrix BT.709, full range" in reader.conversion


def test_grey_keeps_its_luma() -> None:
    frame = filled("gray", (0,))
    luma = np.frombuffer(frame.planes[0], np.uint8).reshape(SIZE, -1)
    luma[:] = np.random.default_rng(2).integers(0, 256, luma.shape)

    _, pictures = read(clip(frame), convert=True)

    assert np.array_equal(pictures[0].y.numpy(), luma[:, :SIZE])
    assert [int(plane.unique()) for plane in pictures[0].planes[1:]] == [128, 128]


def test_raw_video_of_another_format_can_be_converted() -> None:
    frame, luma = noisy_10_bit()
    raw = b"".join(bytes(plane) for plane in frame.planes) * 2

    reader, pictures = read(
        io.BytesIO(raw), size=(SIZE, SIZE), rate=25, pixel_format="yuv420p10le", convert=True
    )

    assert len(pictures) == 2
    assert reader.info.frame_rate == 25
    assert np.abs(pictures[1].y.numpy() - luma / 4).max() <= 1
    with pytest.raises(VideoError, match="yuv420p10le"):
        read(io.BytesIO(raw), size=(SIZE, SIZE), rate=25, pixel_format="yuv420p10le")


def test_nv12_has_the_same_samples_in_another_order() -> None:
    raw = bytes([50]) * SIZE * SIZE + bytes([60, 70]) * (SIZE * SIZE // 4)

    reader, pictures = read(io.BytesIO(raw), size=(SIZE, SIZE), rate=25, pixel_format="nv12")

    assert reader.conversion is None
    assert [int(plane.unique()) for plane in pictures[0].planes] == [50, 60, 70]


def test_interlaced_video_is_refused_unless_it_may_stay_so() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=25, options={"flags": "+ildct+ilme"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.mux(stream.encode(grey_frame(64)))
        container.mux(stream.encode(None))
    file.seek(0)

    with pytest.raises(VideoError, match="interlaced"):
        read(file)
    file.seek(0)
    reader, pictures = read(file, convert=True)
    assert len(pictures) == 1
    assert reader.conversion == "interlaced frames kept whole, both fields in one picture"
