"""How the documentation site is built: `make docs`."""

from importlib import metadata

project = "Rà soát"
author = "The Rà soát project"
release = metadata.version("rasoat")
language = "en"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["tutorial"]
html_theme = "furo"
html_title = f"Rà soát {release}"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "undoc-members": False, "show-inheritance": False}
suppress_warnings = ["myst.header", "myst.xref_missing", "ref.python", "toc.empty_glob"]
