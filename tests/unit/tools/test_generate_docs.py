"""The pages on the law say what the definitions say today."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tests.support.cases import library

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def docs():
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "tools" / "generate_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_on_the_law_are_up_to_date(docs):
    assert docs.stale(docs.FOLDER) == [], "run tools/generate_docs.py"


def test_every_procedure_and_regime_has_a_page_and_a_picture_and_stands_in_the_index(docs):
    pages = docs.pages()
    for workflow_id in library().ids():
        name = workflow_id.replace("@", "-")
        assert f"{name}.svg)" in pages[f"{name}.md"]
        assert pages[f"{name}.svg"].startswith("<svg")
        assert f"({name}.md)" in pages["README.md"]


def test_every_link_of_a_page_leads_somewhere(docs):
    pages = docs.pages()
    links = {link for text in pages.values() for link in re.findall(r"\]\(([\w.-]+\.(?:md|svg))\)", text)}
    assert links <= set(pages)


def test_a_changed_a_missing_and_a_stray_file_are_found_and_mended(docs, tmp_path):
    assert docs.write(tmp_path) == sorted(docs.pages())
    (tmp_path / "README.md").write_text("changed", encoding="utf-8")
    (tmp_path / "annual-2022.svg").unlink()
    (tmp_path / "annual-1999.md").write_text("stray", encoding="utf-8")
    assert docs.stale(tmp_path) == ["README.md", "annual-1999.md", "annual-2022.svg"]
    docs.write(tmp_path)
    assert docs.stale(tmp_path) == []
