"""Check what an embedder gets: build the wheel, unpack it into build/check, run mypy and the layer contracts there.

The public surface is checked too, by a typed use of every public name (tests/typing).
``tools/check_wheel.py`` checks everything, ``tools/check_wheel.py engine deadlines`` only the types of these rooms.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
UNPACKED = ROOT / "build" / "check"
SURFACE = ROOT / "tests" / "typing"
NOT_SOURCE = (".*", "__pycache__", "build", "dist", "out", "*.egg-info")


def build(kind: Literal["wheel", "sdist"], source: Path, output: Path) -> Path:
    """Build a copy of `source` without network into the folder `output`; return the file."""
    with tempfile.TemporaryDirectory() as scratch:
        # A copy: a build inside the tree would leave folders there that carry deleted modules into the next wheel.
        copy = shutil.copytree(source, Path(scratch, "source"), ignore=shutil.ignore_patterns(*NOT_SOURCE))
        result = subprocess.run(
            [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(output), str(copy)],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if result.returncode:
        msg = f"building the {kind} of {source} failed:\n{result.stdout}"
        raise RuntimeError(msg)
    return next(output.glob({"wheel": "*.whl", "sdist": "*.tar.gz"}[kind]))


def rooms() -> dict[str, str]:
    """Return subpackage → folder for every folder that is mapped into the package from elsewhere."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(pyproject["tool"]["setuptools"]["package-dir"])


def unpack_wheel() -> None:
    """Put the contents of a newly built wheel into build/check, and nothing else."""
    shutil.rmtree(UNPACKED, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(build("wheel", ROOT, Path(scratch))) as wheel:
        wheel.extractall(UNPACKED)


def check_types(wanted: list[str]) -> int:
    """Run mypy on the unpacked rooms; name files as they are called in the tree. Return its exit code."""
    packages = [f"rasoat.{room}" for room in wanted] or ["rasoat"]
    result = _run("mypy", "--cache-dir", str(ROOT / ".mypy_cache"), *(part for p in packages for part in ("-p", p)))
    print(in_tree(result.stdout), end="")
    return result.returncode


def check_surface() -> int:
    """Check the typed use of all that is public, as a host's type checker would, against the unpacked wheel."""
    files = sorted(str(file) for file in SURFACE.glob("*.py"))
    # Found by path, so that neither the working tree nor an editable install can stand in for the wheel.
    environment = {**os.environ, "MYPYPATH": str(UNPACKED)}
    result = _run("mypy", "--cache-dir", str(ROOT / ".mypy_cache" / "surface"), *files, environment=environment)
    print(in_tree(result.stdout), end="")
    return result.returncode


def check_layers() -> int:
    """Run the import contracts on the unpacked wheel. Return the exit code."""
    result = _run("lint-imports", "--no-cache", config_option="--config")
    print(result.stdout, end="")
    return result.returncode


def in_tree(output: str) -> str:
    """Return `output` with the wheel's file names turned into the tree's (rasoat/engine/x.py → engine/x.py)."""
    for package, folder in rooms().items():
        output = re.sub(rf"^{package.replace('.', '/')}/", f"{folder}/", output, flags=re.MULTILINE)
    return output


def _run(
    program: str, *options: str, config_option: str = "--config-file", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name(program), config_option, ROOT / "pyproject.toml", *options],
        check=False,
        cwd=UNPACKED,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    unpack_wheel()
    faults = [check_types(sys.argv[1:])]
    if not sys.argv[1:]:
        faults += [check_surface(), check_layers()]
    sys.exit(max(faults))
