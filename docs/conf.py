"""Sphinx configuration; builds offline with warnings as errors."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

from zoo import __version__  # noqa: E402  # needs the path above

project = "detector-zoo"
author = "The detector-zoo authors"
copyright = "2026, the detector-zoo authors"  # noqa: A001  # Sphinx names it so
release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
myst_enable_extensions = ["colon_fence"]  # no mathematics: it would need the network to show
myst_heading_anchors = 3
smartquotes = False  # `--set` in a sentence is two hyphens
autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = f"detector-zoo {release}"
nitpicky = False
