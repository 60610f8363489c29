import hashlib
from pathlib import Path

import pytest

from nvczoo.errors import WeightsError
from nvczoo.hub import Weights, download, fetch, sha256_of

DATA = b"\x00" * 100
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.safetensors"
    path.write_bytes(DATA)
    return path


def test_a_packaged_file_is_its_own_place(file: Path) -> None:
    assert fetch(Weights(file, sha256=SHA256, size=100)) == file
    assert fetch(Weights(file)) == file
    assert sha256_of(file) == SHA256


def test_a_wrong_hash_is_refused(file: Path) -> None:
    with pytest.raises(WeightsError, match=f"SHA-256 {SHA256}.*reinstall"):
        fetch(Weights(file, sha256="0" * 64))


def test_a_wrong_size_is_refused(file: Path) -> None:
    with pytest.raises(WeightsError, match="has 100 bytes, its card says 99"):
        fetch(Weights(file, sha256=SHA256, size=99))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights at"):
        fetch(Weights(tmp_path / "none.safetensors"))


def test_only_safetensors_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(DATA)
    with pytest.raises(WeightsError, match="read from no other kind"):
        fetch(Weights(path))


def test_offline_without_a_cached_file_is_a_weights_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=r"x\.safetensors of o/n@abc can neither.*local-dir:FOLDER"):
        download("o/n", "x.safetensors", "abc")
