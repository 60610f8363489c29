"""Encoded here, decoded by fresh processes under other settings: the same pictures to the bit.

``NVCZOO_OTHER_PYTHON`` names an interpreter with another PyTorch and nvczoo, for one setting more. What the
same settings do to float streams is counted in docs/portable.md.
"""

import os
from pathlib import Path

import pytest
from matrix import OTHER_PYTHON, SETTINGS, Setting, decoded_under, digest_of
from portable_model import a_quantized_model, pictures

from nvczoo.codec.files import EncodeOptions

OTHER = "another PyTorch"
CHECKED = EncodeOptions(picture_checksums=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_quantized_model().codec.save_pretrained(tmp_path_factory.mktemp("matrix") / "model")


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    paths = [tmp_path_factory.mktemp("streams") / f"{q}.nvc" for q in (10, 60)]
    for path in paths:
        data = a_quantized_model().codec.encode(
            pictures(4), int(path.stem), EncodeOptions(picture_checksums=True)
        )
        path.write_bytes(data)
    return paths


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SETTINGS, OTHER])
def test_a_portable_stream_decodes_to_the_bit_under_every_setting(
    name: str, folder: Path, streams: list[Path]
) -> None:
    python = os.environ.get(OTHER_PYTHON)
    if name == OTHER and not python:
        pytest.skip(f"{OTHER_PYTHON} names no interpreter with another PyTorch")
    setting = SETTINGS.get(name) or Setting(python=str(python))
    for stream, outcome in zip(streams, decoded_under(setting, folder, streams), strict=True):
        assert not outcome.error
        expected = [plane for one in a_quantized_model().codec.decode(stream) for plane in one.planes]
        assert outcome.digest == digest_of(expected)
