"""Sphinx configuration: pages in Markdown, reference from the NumPy-style docstrings."""

from __future__ import annotations

from racemate import __version__

project = "racemate"
author = "The racemate contributors"
copyright = "2026, the racemate contributors"
release = version = __version__

extensions = ["myst_parser", *(f"sphinx.ext.{name}" for name in ("autodoc", "napoleon", "mathjax"))]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = True

html_theme = "pydata_sphinx_theme"
html_title = "racemate"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
