"""A model becomes a repository, in one commit, and comes back the same."""

import dataclasses
from collections.abc import Callable

import pytest
from hub_server import Hub

import nvczoo
from nvczoo.errors import HubError
from nvczoo.hub import HubAccess

# of the client's own, about its own HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def test_what_was_pushed_loads_by_the_name_that_is_returned(hub: Hub, model: nvczoo.Model) -> None:
    name = model.push_to_hub("me/small")
    (commit,) = list(hub.repositories["me/small"].commits)[1:]
    assert name == f"hf-hub:me/small@{commit}"
    assert nvczoo.load(name).identity == model.identity
    files = hub.repositories["me/small"].commits[commit]
    assert set(files) == {".gitattributes", "README.md", "config.json", "model.safetensors"}
    assert b'nvczoo.load("hf-hub:me/small")' in files["README.md"]


def test_pushing_again_replaces_the_old_files_also_those_no_longer_needed(
    hub: Hub, model: nvczoo.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("nvczoo.saving.MAX_SHARD_BYTES", 60)
        first = model.push_to_hub("me/small")
    second = model.push_to_hub("me/small", dataclasses.replace(model.card, summary="second"))
    files = hub.repositories["me/small"].commits[second.partition("@")[2]]
    assert set(files) == {".gitattributes", "README.md", "config.json", "model.safetensors"}
    assert nvczoo.load(second).card.summary == "second"
    assert nvczoo.load(first).identity == nvczoo.load(second).identity


def test_the_token_goes_along(hub: Hub, model: nvczoo.Model) -> None:
    model.push_to_hub("me/small", access=HubAccess(token="hf_mine"))
    created = [headers for method, path, headers in hub.requests if path == "/api/repos/create"]
    assert created[0]["authorization"] == "Bearer hf_mine"


def test_what_goes_wrong_is_told(hub: Hub, model: nvczoo.Model, cut_off: Callable[[], None]) -> None:
    cut_off()
    with pytest.raises(HubError, match="cannot be written to me/small"):
        model.push_to_hub("me/small")
