from itertools import pairwise
from pathlib import Path

import pytest

import nvczoo
from nvczoo.codec import EncodeOptions, stream_info
from nvczoo.codec.files import encode_file
from nvczoo.codec.gop import AllIntra, LowDelay
from nvczoo.errors import SettingError
from nvczoo.evaluate.contenders import ModelContender, model_contender
from nvczoo.evaluate.engines import LocalEngine, RayEngine
from nvczoo.evaluate.parallel_encode import MAX_PARTS, ParallelEncoder, Source, cuts

MODEL = "ev-nvc-s"


class Backwards:
    """Gives the last part first, as a cluster may."""

    def run(self, function, items):
        yield from reversed(list(LocalEngine().run(function, items)))


@pytest.fixture(scope="module")
def codec() -> nvczoo.VideoCodec:
    return nvczoo.load(MODEL)


def in_parts(codec: nvczoo.VideoCodec, path: Path, **model: object) -> ParallelEncoder:
    contender: ModelContender = model_contender(MODEL, **model)  # pyright: ignore[reportArgumentType]
    return ParallelEncoder(codec, contender, Source(str(path)), Backwards())  # pyright: ignore


@pytest.mark.parametrize(
    "options",
    [
        EncodeOptions(intra_period=3),
        EncodeOptions(intra_period=2, frames=5, picture_checksums=True, tracks=False),
        EncodeOptions(intra_period=-1),
    ],
)
def test_parts_make_the_stream_of_the_serial_encoder(
    codec: nvczoo.VideoCodec, film: Path, tmp_path: Path, options: EncodeOptions
) -> None:
    codec.encode_file(film, tmp_path / "serial.nvc", 20.0, options)
    encode_file(in_parts(codec, film), film, tmp_path / "parts.nvc", 20.0, options)
    assert (tmp_path / "parts.nvc").read_bytes() == (tmp_path / "serial.nvc").read_bytes()
    assert len(stream_info(tmp_path / "parts.nvc").tracks) == options.tracks


def test_parts_are_computed_in_the_precision_of_the_encoder(film: Path, tmp_path: Path) -> None:
    codec = nvczoo.load(MODEL, precision="bfloat16")
    codec.encode_file(film, tmp_path / "serial.nvc", 20.0)
    encoder = in_parts(codec, film, precision="bfloat16")
    encode_file(encoder, film, tmp_path / "parts.nvc", 20.0, EncodeOptions())
    assert (tmp_path / "parts.nvc").read_bytes() == (tmp_path / "serial.nvc").read_bytes()


def test_groups_that_look_ahead_cannot_be_cut(film: Path, tmp_path: Path) -> None:
    codec = nvczoo.create(MODEL, gop={"name": "hierarchical", "size": 2, "intra_period": 2})
    with pytest.raises(SettingError, match="hierarchical"):
        encode_file(in_parts(codec, film), film, tmp_path / "a.nvc", 20.0, EncodeOptions())
    assert not (tmp_path / "a.nvc").exists()


def test_cuts_are_at_entries_and_cover_everything() -> None:
    assert cuts(LowDelay(intra_period=32), 70) == [(0, 32), (32, 64), (64, 70)]
    assert cuts(LowDelay(intra_period=-1), 70) == [(0, 70)]
    many = cuts(AllIntra(), 1000)
    assert len(many) <= MAX_PARTS
    assert many[0][0] == 0
    assert many[-1][1] == 1000
    assert all(end == start for (_, end), (start, _) in pairwise(many))
    assert cuts(AllIntra(), 0) == []


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_parts_coded_on_ray_make_the_stream_of_the_serial_encoder(
    codec: nvczoo.VideoCodec, film: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'nvczoo[ray]'")
    options = EncodeOptions(intra_period=2)
    codec.encode_file(film, tmp_path / "serial.nvc", 20.0, options)
    maker = ParallelEncoder(codec, model_contender(MODEL), Source(str(film)), RayEngine())
    encode_file(maker, film, tmp_path / "ray.nvc", 20.0, options)
    assert (tmp_path / "ray.nvc").read_bytes() == (tmp_path / "serial.nvc").read_bytes()
