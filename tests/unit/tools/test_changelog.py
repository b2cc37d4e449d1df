from __future__ import annotations

from datetime import date

import pytest

from tools.changelog import MARK, ROOT, Fragment, FragmentError, gather, read_fragment, section

DAY = date(2026, 11, 22)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "changelog.d" / "README.md").write_text("how to", encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{MARK}\n## 0.1.0 (2026-01-01)\n", encoding="utf-8")
    return tmp_path


def add(project, name, text):
    (project / "changelog.d" / name).write_text(text, encoding="utf-8")


def test_a_release_stands_above_the_earlier_ones_and_its_fragments_are_gone(project):
    add(project, "late-opinion.fixed.md", "A late opinion\nis a breach.\n")
    add(project, "calendar-2027.law.md", "Tết 2027 is known.")
    assert gather(project / "changelog.d", project / "CHANGELOG.md", "0.2.0", DAY) == 2
    assert (project / "CHANGELOG.md").read_text(encoding="utf-8") == (
        f"# Changelog\n\n{MARK}\n"
        "## 0.2.0 (2026-11-22)\n\n"
        "### Law\n\n- Tết 2027 is known.\n\n"
        "### Fixed\n\n- A late opinion is a breach.\n\n"
        "## 0.1.0 (2026-01-01)\n"
    )
    assert [path.name for path in (project / "changelog.d").iterdir()] == ["README.md"]


def test_without_fragments_nothing_is_written(project):
    before = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    assert gather(project / "changelog.d", project / "CHANGELOG.md", "0.2.0", DAY) == 0
    assert (project / "CHANGELOG.md").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("name", "text"),
    [("fine.feature.md", "text"), ("added.md", "text"), ("nothing.added.md", " \n")],
    ids=["unknown kind", "no name", "empty"],
)
def test_a_faulty_fragment_stops_the_release_and_leaves_all_as_it_was(project, name, text):
    add(project, "a.added.md", "Something new.")
    add(project, name, text)
    before = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    with pytest.raises(FragmentError, match=name):
        gather(project / "changelog.d", project / "CHANGELOG.md", "0.2.0", DAY)
    assert (project / "CHANGELOG.md").read_text(encoding="utf-8") == before
    assert (project / "changelog.d" / "a.added.md").exists()


def test_a_changelog_without_its_mark_is_refused(project):
    add(project, "a.added.md", "Something new.")
    (project / "CHANGELOG.md").write_text("# Changelog\n", encoding="utf-8")
    with pytest.raises(FragmentError, match="releases"):
        gather(project / "changelog.d", project / "CHANGELOG.md", "0.2.0", DAY)
    assert (project / "changelog.d" / "a.added.md").exists()


def test_a_kind_without_changes_has_no_heading():
    assert "Removed" not in section("0.2.0", DAY, [Fragment("added", "Something new.")])


def test_the_fragments_waiting_now_can_be_gathered():
    for path in (ROOT / "changelog.d").glob("*.md"):
        if path.name != "README.md":
            read_fragment(path)
    assert MARK in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
