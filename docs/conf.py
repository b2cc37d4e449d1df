"""How the documentation site is built: `make docs`."""

import logging
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

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
autodoc_default_options = {
    "members": True,
    "inherited-members": "tuple, Exception, object, str",
    "undoc-members": False,
    "show-inheritance": False,
}
suppress_warnings = ["myst.header", "myst.xref_missing", "ref.python", "toc.empty_glob"]


def setup(app: "Sphinx") -> None:
    """Let the page of HTTP routes be written from the OpenAPI document."""
    app.connect("source-read", _with_routes)


def _with_routes(_app: "Sphinx", name: str, content: list[str]) -> None:
    if name == "http-routes":
        from tools.route_reference import document, routes_page  # noqa: PLC0415  only this page needs an engine

        logging.getLogger("alembic").setLevel(logging.WARNING)  # Sphinx would print how the engine's tables are made
        content[0] = content[0].replace("<!-- routes -->", routes_page(document()))
