"""What pages are made of: templates that ship with nvczoo."""

from importlib import resources


def asset(name: str) -> str:
    """Return the text of a file in ``templates``."""
    return resources.files("nvczoo.evaluate").joinpath("templates", name).read_text("utf-8")
