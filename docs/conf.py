"""Sphinx settings of the documentation site: ``make docs`` builds it, warnings are errors."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import murid

project = "murid"
author = "The murid developers"
project_copyright = f"2026, {author}"
version = release = murid.__version__

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "api_pages",
    "gallery_pages",
]
exclude_patterns = ["_build", "_ext", "gallery/*.py"]
html_theme = "furo"
html_title = f"murid {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5394", "color-brand-content": "#0b5394"},
    "dark_css_variables": {"color-brand-primary": "#8ec3f0", "color-brand-content": "#8ec3f0"},
}
# A name in single backticks is code; it is a link where the name is public.
default_role = "py:obj"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_ambiguous"]
