import json
from pathlib import Path

import pytest
from small_parts import OtherMotion, small_card

from nvczoo import cards
from nvczoo.cards import ModelCard
from nvczoo.errors import CardError, ComponentError, UnknownComponent

SHA256 = "0123456789abcdef" * 4
PACKAGED = f'weights = {{file = "weights/x.safetensors", sha256 = "{SHA256}", bytes = 12}}\n'
COMMIT = "0123456789" * 4


def test_a_card_is_named_after_its_file(tmp_path: Path) -> None:
    card = ModelCard.read(small_card(tmp_path, name="small.tag.toml"))
    assert card.name == "small.tag"
    assert (card.summary, card.licence, card.paper) == ("small", "BSD-3-Clause", "")
    assert (card.weights, card.entropy_coder) == (None, "native")
    assert card.parts["rate_sampler"] == "small"


def test_a_card_may_be_json(tmp_path: Path) -> None:
    table = ModelCard.read(small_card(tmp_path)).parts | {"summary": "small", "licence": "MIT"}
    (tmp_path / "small.json").write_text(json.dumps(table))
    assert ModelCard.read(tmp_path / "small.json").parts == ModelCard.read(tmp_path / "small.toml").parts


def test_packaged_weights_lie_beside_the_card(tmp_path: Path) -> None:
    weights = ModelCard.read(small_card(tmp_path, PACKAGED)).weights
    assert weights is not None
    assert weights.file == tmp_path / "weights" / "x.safetensors"
    assert (weights.sha256, weights.size) == (SHA256, 12)


def test_weights_on_the_hub_have_a_commit(tmp_path: Path) -> None:
    weights = (
        f'{{repository = "o/n", revision = "{COMMIT}", filename = "x.safetensors", sha256 = "{SHA256}"}}'
    )
    found = ModelCard.read(small_card(tmp_path, f"weights = {weights}\n")).weights
    assert found is not None
    assert found.place == f"o/n@{COMMIT}/x.safetensors"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("sumary = 'x'\n", r"unknown key 'sumary'\. Did you mean 'summary'"),
        ("paper = 3\n", "'paper' is 3; it must be a text"),
        ("results = 3\n", "'results' is 3; it must be a table"),
        ("entropy_coder = 3\n", "'entropy_coder' is 3; it must be a name, or a table with a name"),
        ("entropy_coder = {lanes = 3}\n", "a table with a name"),
        ("entropy_coder = {name = 'x', on = 2020-01-01}\n", r"'entropy_coder\.on' is"),
        ("entropy_coder = {name = 'x', on = [2020-01-01]}\n", r"'entropy_coder\.on' is"),
        ("summary = 'twice'\n", "cannot be read"),
        ("weights = {file = 'x.safetensors'}\n", r"'weights\.sha256' is ''"),
        (PACKAGED.replace("bytes", "size"), r"unknown key 'weights\.size'"),
        (PACKAGED.replace("= 12", "= '12'"), r"'weights\.bytes' is '12'; it must be an integer"),
        (PACKAGED.replace("weights/", "../"), r"'weights\.file' is .* in the card's folder"),
        (PACKAGED.replace("weights/", "/"), r"'weights\.file' is .* in the card's folder"),
        (PACKAGED.replace("safetensors", "pt"), r"'weights\.file' is .*must be a \.safetensors"),
        (f"weights = {{repository = 'o/n', sha256 = '{SHA256}'}}\n", r"'weights\.revision' is missing"),
        (
            f"weights = {{repository='o/n', revision='main', filename='x.safetensors', sha256='{SHA256}'}}\n",
            r"'weights\.revision' is 'main'; it must be a commit",
        ),
    ],
)
def test_a_malformed_card_is_told_by_file_and_key(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(CardError, match=message) as caught:
        ModelCard.read(small_card(tmp_path, more))
    assert "small.toml" in str(caught.value)


@pytest.mark.parametrize("key", cards.REQUIRED)
def test_what_every_card_needs_is_asked_for(tmp_path: Path, key: str) -> None:
    table = ModelCard.read(small_card(tmp_path)).parts | {"summary": "small", "licence": "MIT"}
    del table[key]
    with pytest.raises(CardError, match=f"'{key}' is missing"):
        ModelCard.from_table("small", table, tmp_path / "small.toml")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[1]", b"{", b"[" * 100_000])
@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_a_file_that_is_no_card_is_a_card_error(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(data)
    with pytest.raises(CardError, match="broken"):
        ModelCard.read(path)


def test_a_huge_or_missing_file_is_a_card_error(tmp_path: Path) -> None:
    (tmp_path / "huge.toml").write_bytes(b"#" * (cards.MAX_CARD_BYTES + 1))
    for name in ("huge.toml", "missing.toml"):
        with pytest.raises(CardError, match=name):
            ModelCard.read(tmp_path / name)


def test_canonical_parts_do_not_depend_on_order_or_notation(tmp_path: Path) -> None:
    card = ModelCard.read(small_card(tmp_path))
    same = card.with_parts(
        {"rate_sampler": {"name": "small"}, "intra": dict(reversed(list(dict(card.intra).items())))}
    )
    assert card.canonical == same.canonical
    assert json.loads(card.canonical)["rate_sampler"] == "small"


@pytest.mark.usefixtures("small_parts")
def test_canonical_parts_change_with_what_a_decoder_is_built_of_only(tmp_path: Path) -> None:
    card = ModelCard.read(small_card(tmp_path))
    assert card.with_overrides({"inter.motion_estimator": "other"}).canonical != card.canonical
    assert (
        card.with_overrides({"gop.intra_period": 4, "entropy_coder": "reference"}).canonical == card.canonical
    )


@pytest.mark.usefixtures("small_parts")
def test_canonical_parts_name_classes_and_objects(tmp_path: Path) -> None:
    card = ModelCard.read(small_card(tmp_path))
    for value in (OtherMotion, OtherMotion()):
        canonical = card.with_overrides({"inter.motion_estimator": value}).canonical
        assert "small_parts:OtherMotion" in canonical


def test_models_are_listed_by_pattern(folders) -> None:
    folder = folders("cards_of_one")
    for name in ("b.toml", "a-s.toml", "a.toml"):
        small_card(folder, name=name)
    assert cards.models() == ["a", "a-s", "b"]
    assert cards.models("a*") == ["a", "a-s"]


def test_an_unknown_model_tells_the_nearest_and_other_sources(folders) -> None:
    small_card(folders("cards_of_one"))
    with pytest.raises(
        UnknownComponent, match=r"no model 'smal'\. Did you mean 'small'.*hf-hub:.*local-dir:"
    ):
        cards.find("smal")


def test_two_cards_of_one_name_are_both_told(folders) -> None:
    for package in ("cards_of_one", "cards_of_two"):
        small_card(folders(package))
    assert cards.models() == ["small"]
    with pytest.raises(ComponentError, match=r"cards_of_one.*cards_of_two"):
        cards.find("small")


def test_a_missing_package_of_cards_and_a_broken_card_harm_nobody(folders) -> None:
    folder = folders("cards_of_one")
    small_card(folder)
    (folder / "broken.toml").write_text("?")
    folders("cards_of_two").joinpath("__init__.py").unlink()
    folder.parent.joinpath("cards_of_two").rmdir()
    assert cards.find("small").summary == "small"
    with pytest.raises(CardError):
        cards.find("broken")


def test_the_nearest_model_with_weights_is_the_alternative(folders) -> None:
    folder = folders("cards_of_one")
    for name, more in (("ev.toml", ""), ("ev-s.toml", PACKAGED), ("zz.toml", PACKAGED), ("ev-x.toml", "?")):
        small_card(folder, more, name)
    assert cards.trained_alternative(cards.find("ev")) == "ev-s"


def test_without_any_weights_there_is_no_alternative(folders) -> None:
    small_card(folders("cards_of_one"))
    assert cards.trained_alternative(cards.find("small")) is None


@pytest.mark.parametrize("name", cards.models())
def test_every_card_of_ours_can_be_read(name: str) -> None:
    card = cards.find(name)
    assert card.name == name
    assert card.summary
    assert card.licence
