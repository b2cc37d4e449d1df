"""The documentation site builds without a warning, from what lies in docs/ and from the docstrings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(tmp_path / "trees")]
    places = [str(ROOT / "docs"), str(tmp_path / "site")]
    done = subprocess.run([*command, *places], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "tutorial.html").stat().st_size > 10_000
    assert "fire_many" in (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
