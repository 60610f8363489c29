"""Models come from a server that speaks the Hub's protocol, by huggingface_hub's own client."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import Hub

import nvczoo
from nvczoo import loading
from nvczoo.cli.main import main
from nvczoo.errors import CardError, HubError, MissingPlugin, NewerFormat, TruncatedWeights, WrongHash
from nvczoo.hub import HubAccess

WEIGHTS = "model.safetensors"
Files = dict[str, bytes]


def blobs(cache: Path) -> list[str]:
    """Return what the cache holds of files, whole or not."""
    return [path.name for path in cache.rglob("blobs/*")]


def changed(files: Files, **values: object) -> Files:
    table = json.loads(files["config.json"]) | values
    return files | {"config.json": json.dumps(table).encode()}


def test_a_model_is_what_was_saved_and_its_name_has_the_commit(
    hub: Hub, files: Files, model: nvczoo.Model
) -> None:
    commit = hub.add("o/n", files)
    codec = nvczoo.load("hf-hub:o/n@main", q=12)
    assert codec.name == f"hf-hub:o/n@{commit}"
    assert (codec.identity, codec.default_q) == (model.identity, 12)
    assert nvczoo.from_pretrained("o/n").identity == model.identity


def test_a_commit_stays_what_it_was_when_the_branch_moves(hub: Hub, files: Files) -> None:
    first = hub.add("o/n", files)
    second = hub.add("o/n", changed(files, summary="new"))
    assert nvczoo.load(f"hf-hub:o/n@{first}").card.summary == "small"
    assert nvczoo.load("hf-hub:o/n").card.name == f"hf-hub:o/n@{second}"
    assert nvczoo.from_pretrained("o/n", revision=first).card.summary == "small"


def test_large_files_come_by_a_redirect_and_the_token_does_not_follow(hub: Hub, files: Files) -> None:
    hub.add("o/n", files, token="hf_secret")
    nvczoo.load("hf-hub:o/n", access=HubAccess(token="hf_secret"))
    (headers,) = [headers for method, path, headers in hub.requests if method == "GET" and "/cdn/" in path]
    assert "authorization" not in headers
    asked = [headers for _, path, headers in hub.requests if "config.json" in path]
    assert asked[0]["authorization"] == "Bearer hf_secret"


def test_what_is_cached_is_not_downloaded_again(hub: Hub, files: Files) -> None:
    hub.add("o/n", files)
    nvczoo.load("hf-hub:o/n")
    before = len(hub.asked("GET"))
    nvczoo.load("hf-hub:o/n")
    assert len(hub.asked("GET")) == before
    assert hub.asked("HEAD", "config.json")  # only asked for its ETag


def test_a_broken_download_goes_on_where_it_broke(hub: Hub, files: Files, model: nvczoo.Model) -> None:
    hub.add("o/n", files)
    hub.breaks = 2
    assert nvczoo.load("hf-hub:o/n").identity == model.identity
    ranges = [
        headers["range"] for method, path, headers in hub.requests if "/cdn/" in path and "range" in headers
    ]
    starts = [int(one.removeprefix("bytes=").rstrip("-")) for one in ranges]
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1] < len(files[WEIGHTS])


def test_a_download_that_never_succeeds_is_told_and_leaves_nothing(
    hub: Hub, files: Files, cache: Path
) -> None:
    hub.add("o/n", files)
    hub.breaks = 100
    with pytest.raises(HubError, match=rf"{WEIGHTS} of o/n@\w+ can neither.*try again"):
        nvczoo.load("hf-hub:o/n")
    whole = [
        one for one in blobs(cache) if not one.endswith(".incomplete")
    ]  # by which some clients go on later
    assert len(whole) == 1, "config.json alone"


def test_a_file_shorter_than_the_card_says_is_told(hub: Hub, files: Files) -> None:
    hub.add("o/n", files | {WEIGHTS: files[WEIGHTS][:-10]})
    with pytest.raises(TruncatedWeights, match=r"bytes, its card says \d+\. The file on the Hub was changed"):
        nvczoo.load("hf-hub:o/n")


def test_a_file_with_another_hash_is_told(hub: Hub, files: Files) -> None:
    hub.add("o/n", files | {WEIGHTS: files[WEIGHTS][:-1] + b"?"})
    with pytest.raises(WrongHash, match=r"has the SHA-256 \w{64}, its card says \w{64}"):
        nvczoo.load("hf-hub:o/n")


def test_what_was_damaged_in_the_cache_is_fetched_anew(
    hub: Hub, files: Files, cache: Path, model: nvczoo.Model
) -> None:
    hub.add("o/n", files)
    nvczoo.load("hf-hub:o/n")
    (file,) = cache.rglob(f"snapshots/*/{WEIGHTS}")
    file.resolve().write_bytes(b"rotten")
    assert nvczoo.load("hf-hub:o/n").identity == model.identity


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf-hub:o/none", "Check owner and name; for a private repository log in"),
        ("hf-hub:o/n@none", "Check the revision"),
        ("hf-hub:o/empty", "The repository is no model of nvczoo"),
        ("hf-hub:o/gated", "Ask for access"),
        ("hf-hub:o/private", "log in"),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do(hub: Hub, files: Files, name: str, message: str) -> None:
    hub.add("o/n", files)
    hub.add("o/empty", {"README.md": b""})
    hub.add("o/gated", files, gated=True)
    hub.add("o/private", files, token="hf_secret")
    with pytest.raises(HubError, match=message):
        nvczoo.load(name)


def test_a_name_without_owner_and_one_without_prefix_are_told(hub: Hub) -> None:
    with pytest.raises(CardError, match="names no repository"):
        nvczoo.load("hf-hub:name")
    with pytest.raises(CardError, match="is 'hf-hub:o/n', a folder 'local-dir:o/n'"):
        nvczoo.load("o/n")


def test_a_future_format_is_told_before_anything_in_it_is_read(hub: Hub, files: Files) -> None:
    hub.add("o/n", changed(files, format_version=2, shape="of things to come"))
    with pytest.raises(
        NewerFormat, match=r"format version 2, and this nvczoo knows 1.*pip install --upgrade"
    ):
        nvczoo.load("hf-hub:o/n")


def test_a_missing_plugin_is_named(hub: Hub, files: Files) -> None:
    table = json.loads(files["config.json"])
    table["inter"]["motion_estimator"] = "gmflow"
    hub.add("o/n", changed(files, inter=table["inter"], requires={"nvczoo-gmflow": "2.1", "nvczoo": "0.1.0"}))
    with pytest.raises(
        MissingPlugin, match=r"no motion_estimator 'gmflow'.*pip install nvczoo-gmflow==2\.1$"
    ):
        nvczoo.load("hf-hub:o/n")


def test_what_looks_like_a_command_is_no_requirement(hub: Hub, files: Files) -> None:
    hub.add("o/n", changed(files, requires={"x; rm -rf": "1"}))
    with pytest.raises(CardError, match="a distribution and its version"):
        nvczoo.load("hf-hub:o/n")


def test_code_in_a_repository_is_never_fetched(hub: Hub, files: Files) -> None:
    hub.add("o/n", files | {"modeling.py": b"raise SystemExit", "__init__.py": b"raise SystemExit"})
    nvczoo.load("hf-hub:o/n")
    assert not [path for _, path, _ in hub.requests if path.endswith(".py")]


def test_offline_a_fetched_model_loads_and_another_says_how_to_get_it(
    hub: Hub, files: Files, offline: Callable[[], None], model: nvczoo.Model
) -> None:
    hub.add("o/n", files)
    assert main(["download", "hf-hub:o/n"]) == 0
    hub.requests.clear()
    offline()
    assert nvczoo.load("hf-hub:o/n").identity == model.identity
    with pytest.raises(HubError, match=r"nvczoo download.*local-dir:FOLDER"):
        nvczoo.load("hf-hub:o/other")
    assert hub.requests == []


def test_no_network_is_no_obstacle_to_what_is_cached(
    hub: Hub, files: Files, cut_off: Callable[[], None], model: nvczoo.Model
) -> None:
    hub.add("o/n", files)
    nvczoo.load("hf-hub:o/n")
    cut_off()
    assert nvczoo.load("hf-hub:o/n").identity == model.identity
    with pytest.raises(HubError, match="can neither be downloaded nor found in the cache"):
        nvczoo.load("hf-hub:o/other")


def test_another_cache_and_no_network_can_be_asked_for(hub: Hub, files: Files, tmp_path: Path) -> None:
    hub.add("o/n", files)
    other = tmp_path / "other"
    nvczoo.from_pretrained("o/n", cache_dir=other)
    assert blobs(other)
    with pytest.raises(HubError, match="Connect to the network once"):
        nvczoo.from_pretrained("o/n", local_files_only=True)
    nvczoo.from_pretrained("o/n", cache_dir=other, local_files_only=True)


def test_download_tells_of_models_without_weights(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["download", "ev-nvc-s", "dcvc"]) == 1
    told = capsys.readouterr()
    assert "ev-nvc-s: 16.9 MB" in told.out
    assert "'dcvc' has no weights to fetch" in told.err


def test_a_stream_made_with_it_decodes_only_where_it_is_asked_for(hub: Hub, files: Files) -> None:
    hub.add("o/n", files)
    name = nvczoo.load("hf-hub:o/n").name
    with pytest.raises(nvczoo.NvczooError, match="does not load unasked"):
        loading.load_for_stream(name)


@pytest.mark.slow
def test_environment_variables_are_honoured(hub: Hub, files: Files, tmp_path: Path) -> None:
    hub.add("o/n", files, token="hf_env")
    code = "from nvczoo.hub import download; print(download('o/n', 'config.json', ''))"
    variables = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": "hf_env"}
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("HF_")
    } | variables

    def run(**more: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code], env=environment | more, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert Path(run()).is_relative_to(tmp_path / "home")
    before = len(hub.requests)
    assert Path(run(HF_HUB_OFFLINE="1")).is_relative_to(tmp_path / "home")
    assert len(hub.requests) == before


def test_a_packaged_card_may_point_at_a_pinned_revision(
    hub: Hub, files: Files, tmp_path: Path, model: nvczoo.Model
) -> None:
    commit = hub.add("o/n", files)
    weights = json.loads(files["config.json"])["weights"]
    table = {"repository": "o/n", "revision": commit, "filename": WEIGHTS, **weights}
    del table["file"]
    folder = tmp_path / "packaged"
    folder.mkdir()
    (folder / "config.json").write_bytes(changed(files, weights=table)["config.json"])
    assert nvczoo.load(f"local-dir:{folder}").identity == model.identity
    assert hub.asked("GET", "/cdn/")


def test_shards_are_fetched_all_and_from_one_commit(
    hub: Hub, model: nvczoo.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvczoo.saving.MAX_SHARD_BYTES", 60)
    folder = model.save_pretrained(tmp_path / "sharded")
    parts = {path.name: path.read_bytes() for path in folder.iterdir()}
    names = [name for name in parts if name.endswith(".safetensors")]
    assert len(names) > 1
    commit = hub.add("o/n", parts)
    codec = nvczoo.load("hf-hub:o/n")
    assert codec.identity == model.identity
    assert len(hub.asked("HEAD", f"resolve/{commit}/model-")) == len(names)
    for name in names[:1]:
        hub.add("o/n", {key: value for key, value in parts.items() if key != name})
        with pytest.raises(HubError, match=name):
            nvczoo.load("hf-hub:o/n")
