"""A Hub on localhost for every test, and a small model in a folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import huggingface_hub.constants
import huggingface_hub.file_download
import huggingface_hub.hf_api
import huggingface_hub.utils
import pytest
from hub_server import Hub, serving
from small_parts import small_card

import nvczoo

NOBODY = "http://127.0.0.1:9"  # the port of "discard", where no server is


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None) -> Iterator[Hub]:
    """Serve, and let huggingface_hub go there, as HF_ENDPOINT and HF_HOME would."""
    with serving() as found:
        constants = huggingface_hub.constants
        point_at(found.endpoint, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)  # kept bytes come in such pieces
        monkeypatch.setattr(
            constants, "HF_HUB_DISABLE_XET", True, raising=False
        )  # its storage has a protocol of its own
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # between a broken download and the next
        monkeypatch.delenv("HF_TOKEN", raising=False)
        forget_sessions()
        yield found


def point_at(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let huggingface_hub, which has read HF_ENDPOINT long ago, go elsewhere."""
    constants = huggingface_hub.constants
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, endpoint)
    for place in (constants, huggingface_hub.file_download):  # the latter's own before version 1
        monkeypatch.setattr(place, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(huggingface_hub.hf_api.api, "endpoint", endpoint)


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which nobody answers."""
    return lambda: point_at(NOBODY, monkeypatch)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that switches huggingface_hub off, as HF_HUB_OFFLINE would."""

    def switch() -> None:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        forget_sessions()

    return switch


def forget_sessions() -> None:
    """Let huggingface_hub before version 1 see that it is offline, or no longer."""
    getattr(huggingface_hub.utils, "reset_sessions", lambda: None)()


@pytest.fixture
def model(tmp_path: Path, small_parts: None) -> nvczoo.Model:
    folder = tmp_path / "small"
    folder.mkdir()
    small_card(folder, name="card.toml")
    return nvczoo.create(f"local-dir:{folder}", seed=3)


@pytest.fixture
def saved(model: nvczoo.Model, tmp_path: Path) -> Path:
    return model.save_pretrained(tmp_path / "saved")


@pytest.fixture
def files(saved: Path) -> dict[str, bytes]:
    """Return what a repository of the model holds."""
    return {path.name: path.read_bytes() for path in saved.iterdir()}
