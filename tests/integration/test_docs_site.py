"""The documentation site builds without a warning, from what lies in docs/ and from the docstrings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import rasoat
from tools.route_reference import document

ROOT = Path(__file__).parents[2]


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(tmp_path / "trees")]
    places = [str(ROOT / "docs"), str(tmp_path / "site")]
    done = subprocess.run([*command, *places], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "tutorial.html").stat().st_size > 10_000
    python = (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
    told = [name for name in rasoat.__all__ if f'id="rasoat.{name}"' not in python]
    calls = [
        name for name in dir(rasoat.Rasoat) if not name.startswith("_") and f'id="rasoat.Rasoat.{name}"' not in python
    ]
    assert (told, calls) == (["__version__"], [])
    http = (tmp_path / "site" / "http-routes.html").read_text(encoding="utf-8")
    paths = document()["paths"]
    assert [path for path in paths if path not in http] == []
    assert "Number of the signed document" in http
