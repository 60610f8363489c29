from importlib import metadata
from pathlib import Path

import pytest
from small_parts import OtherMotion, SmallMotion

from nvczoo import components
from nvczoo.errors import BrokenComponent, ComponentError, UnknownComponent
from nvczoo.interfaces import MotionEstimator


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that makes a distribution with entry points, importable without an installer."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(components, "_registered", {})
    components._installed.cache_clear()

    def make(name: str, value: str, entry: str = "thing", kind: str = "motion_estimator") -> None:
        info = tmp_path / f"{name}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[nvczoo.{kind}]\n{entry} = {value}\n")
        components._installed.cache_clear()

    yield make
    components._installed.cache_clear()


def test_a_part_is_found_by_its_name() -> None:
    assert issubclass(components.find("motion_estimator", "spynet"), MotionEstimator)


@pytest.mark.parametrize("kind", components.KINDS)
def test_every_listed_part_loads_and_implements_its_interface(kind: str) -> None:
    assert components.names(kind)
    for name in components.names(kind):
        assert issubclass(components.find(kind, name), components.interface(kind))


def test_an_unknown_name_tells_the_nearest_and_all() -> None:
    with pytest.raises(UnknownComponent, match=r"no motion_estimator 'spinet'.*'spynet'\?.*block-matching"):
        components.find("motion_estimator", "spinet")


def test_an_unknown_kind_tells_the_nearest() -> None:
    with pytest.raises(UnknownComponent, match="'motion_estimator'"):
        components.names("motion_estimators")


def test_a_third_party_part_is_found(install) -> None:
    install("nvczoo-third", "small_parts:SmallMotion")
    assert components.find("motion_estimator", "thing") is SmallMotion
    offer = components.sole("motion_estimator", "thing")
    assert (offer.distribution, offer.version, offer.value) == (
        "nvczoo-third",
        "1.5",
        "small_parts:SmallMotion",
    )


def test_autoload_off_hides_third_parties_only(install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("nvczoo-third", "small_parts:SmallMotion")
    monkeypatch.setenv(components.AUTOLOAD, "0")
    assert "thing" not in components.names("motion_estimator")
    assert "spynet" in components.names("motion_estimator")
    with pytest.raises(UnknownComponent):
        components.find("motion_estimator", "thing")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module_anywhere:Thing", "ModuleNotFoundError"),
        ("small_parts:NoSuchClass", "AttributeError"),
        ("small_parts:SMALL_CARD", "must be a class derived"),
        ("small_parts:SmallRate", r"nvczoo\.interfaces\.MotionEstimator"),
        ("nvczoo.interfaces:MotionEstimator", "leaves out.*forward"),
        ("not a module", "cannot be loaded"),
    ],
)
def test_a_broken_part_is_named_with_its_distribution_when_used(install, value: str, reason: str) -> None:
    install("nvczoo-broken", value)
    assert "thing" in components.names("motion_estimator")
    assert components.find("motion_estimator", "spynet")
    with pytest.raises(BrokenComponent, match=rf"nvczoo-broken 1\.5.*{reason}"):
        components.find("motion_estimator", "thing")


def test_two_distributions_with_one_name_are_both_named_when_it_is_used(install) -> None:
    install("nvczoo-one", "small_parts:SmallMotion")
    install("nvczoo-two", "small_parts:OtherMotion")
    assert components.names("motion_estimator").count("thing") == 1
    assert components.find("motion_estimator", "spynet")
    with pytest.raises(ComponentError, match=r"nvczoo-(one|two) 1\.5 and nvczoo-(one|two) 1\.5"):
        components.find("motion_estimator", "thing")


def test_one_of_two_with_one_name_is_chosen_by_its_distribution(install) -> None:
    install("nvczoo-one", "small_parts:SmallMotion")
    install("nvczoo-two", "small_parts:OtherMotion")
    with pytest.raises(ComponentError, match=r"Write 'nvczoo-\w+:thing' or 'nvczoo-\w+:thing' to choose"):
        components.find("motion_estimator", "thing")
    assert components.find("motion_estimator", "nvczoo-two:thing") is OtherMotion
    assert components.find("motion_estimator", "nvczoo:spynet") is components.find(
        "motion_estimator", "spynet"
    )
    with pytest.raises(UnknownComponent, match=r"Known: nvczoo-\w+:thing, nvczoo-\w+:thing"):
        components.find("motion_estimator", "nvczoo-three:thing")


def test_a_distribution_without_readable_metadata_harms_nobody(install, tmp_path: Path) -> None:
    install("nvczoo-third", "small_parts:SmallMotion")
    (tmp_path / "empty-0.dist-info").mkdir()
    components._installed.cache_clear()
    assert "thing" in components.names("motion_estimator")


def test_a_registered_class_is_found_and_described(install) -> None:
    assert components.register("motion_estimator", "mine", SmallMotion) is SmallMotion
    assert components.find("motion_estimator", "mine") is SmallMotion
    (offer,) = (one for one in components.describe("motion_estimator") if one.name == "mine")
    assert offer.distribution == components.REGISTERED
    assert offer.value == "small_parts:SmallMotion"


def test_an_existing_name_is_not_registered_again_unasked(install) -> None:
    with pytest.raises(ComponentError, match="override=True"):
        components.register("motion_estimator", "spynet", SmallMotion)
    components.register("motion_estimator", "spynet", SmallMotion, override=True)
    assert components.find("motion_estimator", "spynet") is SmallMotion
    assert components.names("motion_estimator").count("spynet") == 1


def test_what_does_not_implement_the_interface_is_not_registered(install) -> None:
    with pytest.raises(BrokenComponent, match="RateSampler"):
        components.register("rate_sampler", "mine", SmallMotion)


def test_installed_entry_points_are_those_of_pyproject() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    wanted = {
        (group, name, value)
        for group, entries in project["entry-points"].items()
        for name, value in entries.items()
    }
    installed = {
        (entry.group, entry.name, entry.value)
        for entry in metadata.distribution("nvczoo").entry_points
        if entry.group.startswith(components.GROUP)
    }
    assert installed == wanted, "reinstall: entry points are read when nvczoo is installed"
