"""Cards as they lie in ``registry/``, or in a package of somebody else's, with weights on the Hub."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import Hub
from small_parts import small_card

import nvczoo
from nvczoo.cli.main import main
from nvczoo.errors import CardError, HubError, TruncatedWeights, WrongHash

WEIGHTS = "model.safetensors"
Files = dict[str, bytes]


@pytest.fixture
def commit(hub: Hub, files: Files) -> str:
    first = hub.add("o/n", files)
    hub.add("o/n", {"README.md": b"moved on", WEIGHTS: b"others"})  # the branch, not the commit
    return first


@pytest.fixture
def card(commit: str, files: Files, folders: Callable[[str], Path]) -> Path:
    """Return a card of the model ``shared``, in a package of cards."""
    weights = json.loads(files["config.json"])["weights"]
    path = small_card(folders("cards_of_somebody"), name="shared.toml")
    table = {"repository": "o/n", "revision": commit, "filename": WEIGHTS, **weights}
    del table["file"]
    lines = (f"{key} = {json.dumps(value)}" for key, value in table.items())
    path.write_text("\n".join([path.read_text(), "[weights]", *lines]))
    return path


def change(card: Path, key: str, value: object) -> None:
    lines = card.read_text().splitlines()
    card.write_text(
        "\n".join(f"{key} = {json.dumps(value)}" if one.startswith(key) else one for one in lines)
    )


@pytest.mark.usefixtures("card")
def test_it_is_a_model_by_name_of_what_is_pinned(hub: Hub, commit: str, model: nvczoo.Model) -> None:
    assert nvczoo.models() == ["shared"]
    codec = nvczoo.load("shared", q=7)
    assert (codec.name, codec.identity, codec.default_q) == ("shared", model.identity, 7)
    assert all(commit in path for path in hub.asked("HEAD", "/o/n/"))


@pytest.mark.usefixtures("card")
def test_what_was_downloaded_loads_offline(
    hub: Hub,
    capsys: pytest.CaptureFixture[str],
    offline: Callable[[], None],
    model: nvczoo.Model,
    commit: str,
) -> None:
    assert main(["download", "shared"]) == 0
    told = capsys.readouterr().out
    assert "shared: 0.0 MB, as its card says" in told
    assert commit in told
    hub.requests.clear()
    offline()
    assert nvczoo.load("shared").identity == model.identity
    assert main(["download", "shared"]) == 0  # checks what is there
    assert hub.requests == []


@pytest.mark.usefixtures("card")
def test_without_a_network_it_says_how_to_get_it(offline: Callable[[], None]) -> None:
    offline()
    with pytest.raises(HubError, match=rf"{WEIGHTS} of o/n@\w+ can neither.*nvczoo download"):
        nvczoo.load("shared")


def test_what_is_not_as_the_card_says_is_refused(card: Path) -> None:
    change(card, "sha256", "0" * 64)
    with pytest.raises(WrongHash, match=f"its card says {'0' * 64}"):
        nvczoo.load("shared")
    change(card, "bytes", 3)
    with pytest.raises(TruncatedWeights, match="its card says 3"):
        nvczoo.load("shared")


@pytest.mark.parametrize("revision", ["main", "v1.0", "0123456"])
def test_a_revision_that_may_move_is_refused(card: Path, revision: str) -> None:
    change(card, "revision", revision)
    with pytest.raises(CardError, match="must be a commit, 40 hexadecimal digits"):
        nvczoo.load("shared")


@pytest.mark.usefixtures("card")
def test_a_stream_may_load_it_because_it_is_installed(model: nvczoo.Model) -> None:
    from nvczoo.loading import load_for_stream

    assert load_for_stream("shared").identity == model.identity
