import inspect
import subprocess
import sys

import pytest

import nvczoo


@pytest.mark.parametrize("name", nvczoo.__all__)
def test_every_public_name_exists_is_documented_and_listed(name: str) -> None:
    assert inspect.getdoc(getattr(nvczoo, name))
    assert name in dir(nvczoo)


def test_every_lazy_name_is_public() -> None:
    assert {*nvczoo._HOMES, "__version__"} == set(nvczoo.__all__)
    assert nvczoo.__all__ == sorted(nvczoo.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        nvczoo.lode  # noqa: B018


def test_importing_nvczoo_imports_neither_torch_nor_plugins() -> None:
    code = (
        "import sys, nvczoo; nvczoo.__version__; "
        "print([name for name in sys.modules if name == 'torch' or name.startswith('nvczoo.')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_no_public_name_is_hidden_by_a_module_of_that_name() -> None:
    code = (
        "import pkgutil, nvczoo; modules = {one.name for one in pkgutil.iter_modules(nvczoo.__path__)}; "
        "print(sorted(modules & set(nvczoo.__all__)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_listing_models_and_parts_imports_no_plugin() -> None:
    code = (
        "import sys, nvczoo; nvczoo.models(); nvczoo.parts(); "
        "print([name for name in sys.modules if name.startswith('nvczoo.plugins')])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
