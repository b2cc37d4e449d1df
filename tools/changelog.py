"""Gather the fragments of changelog.d into a section of CHANGELOG.md: ``tools/changelog.py VERSION YYYY-MM-DD``."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MARK = "<!-- releases -->\n"
KINDS = {
    "law": "Law",
    "added": "Added",
    "changed": "Changed",
    "fixed": "Fixed",
    "security": "Security",
    "removed": "Removed",
}


class FragmentError(ValueError):
    """A fragment, or the changelog, is not as changelog.d/README.md says."""


class Fragment(NamedTuple):
    """One change as its author described it."""

    kind: str
    text: str


def read_fragment(path: Path) -> Fragment:
    """Return the fragment in `path`; `FragmentError` if its name has no known kind or it says nothing."""
    kind = path.name.removesuffix(".md").rpartition(".")[2]
    if kind not in KINDS or path.name.count(".") < 2:
        msg = f"{path.name}: expected <short-name>.<kind>.md with a kind of {', '.join(KINDS)}"
        raise FragmentError(msg)
    text = " ".join(path.read_text(encoding="utf-8").split())
    if not text:
        msg = f"{path.name}: the fragment is empty; say what the user sees"
        raise FragmentError(msg)
    return Fragment(kind, text)


def section(version: str, day: date, fragments: list[Fragment]) -> str:
    """Return the Markdown of one release: its kinds in their order, within a kind the fragments as given."""
    parts = [f"## {version} ({day.isoformat()})\n"]
    for kind, title in KINDS.items():
        lines = [f"- {fragment.text}\n" for fragment in fragments if fragment.kind == kind]
        if lines:
            parts.append(f"### {title}\n\n" + "".join(lines))
    return "\n".join(parts)


def insert(changelog: str, release: str) -> str:
    """Return `changelog` with `release` above the earlier ones."""
    head, mark, earlier = changelog.partition(MARK)
    if not mark:
        msg = f"CHANGELOG.md has lost its line {MARK.strip()!r}, below which releases stand"
        raise FragmentError(msg)
    return head + mark + "\n" + release + earlier


def gather(folder: Path, changelog: Path, version: str, day: date) -> int:
    """Move the fragments of `folder` into `changelog`, return how many there were; an error leaves all as it was."""
    paths = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    fragments = [read_fragment(path) for path in paths]
    if fragments:
        new = insert(changelog.read_text(encoding="utf-8"), section(version, day, fragments))
        changelog.write_text(new, encoding="utf-8")
        for path in paths:
            path.unlink()
    return len(fragments)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        count = gather(ROOT / "changelog.d", ROOT / "CHANGELOG.md", sys.argv[1], date.fromisoformat(sys.argv[2]))
    except ValueError as error:
        sys.exit(str(error))
    print(f"{count} fragments gathered for {sys.argv[1]}")
