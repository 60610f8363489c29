"""How Sphinx builds these pages: `make docs`."""

from nvczoo import __version__

project = "nvczoo"
copyright = "2026, the nvczoo authors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

nitpicky = True
nitpick_ignore_regex = [
    ("py:class", r"(?!nvczoo\.).*"),  # of other libraries: looking them up would need the network
    ("py:class", r"nvczoo(\.\w+){3}"),  # in signatures: what has no page of its own
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
add_module_names = False

html_theme = "alabaster"
html_theme_options = {"description": "Neural video codecs behind one interface", "fixed_sidebar": True}
