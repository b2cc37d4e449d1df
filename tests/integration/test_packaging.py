"""What a host installs: one import package, complete from its sdist, beside a host's `engine` and `notifications`."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tools.check_wheel import ROOT, rooms

pytestmark = pytest.mark.xdist_group("packaging")

HOST = """
import importlib, pkgutil, sys
import engine, notifications, web
import rasoat

assert rasoat.__file__.startswith(sys.prefix), rasoat.__file__
skipped = {"rasoat.persistence.migrations.env"}  # runs inside Alembic only
for module in pkgutil.walk_packages(rasoat.__path__, "rasoat."):
    if module.name not in skipped:
        importlib.import_module(module.name)
for own in (engine, notifications, web):
    assert sys.modules[own.__name__] is own
    assert own.OWNER == "host"
print(len(sys.modules))
"""


@pytest.fixture(scope="module")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel; its dependencies are read from the environment of this run."""
    venv = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # A path added this way brings the packages along, not this run's editable install of rasoat.
    Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder of a host application whose own packages are called like our rooms."""
    for name in ("engine", "notifications", "web"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text('OWNER = "host"\n', encoding="utf-8")
    return tmp_path


def run_in(host: Path, *command: str | Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    result = subprocess.run(
        command, cwd=host, env=environment | {"PYTHONPATH": str(host)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def in_wheel(path: PurePosixPath) -> str:
    """Where a file of the tree stands in the wheel."""
    for package, folder in rooms().items():
        if path.is_relative_to(folder):
            return str(PurePosixPath(*package.split("."), path.relative_to(folder)))
    raise AssertionError(path)


def test_the_wheel_made_from_the_sdist_holds_every_file_of_the_package_and_nothing_else(wheel):
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *rooms().values()]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    expected = {in_wheel(PurePosixPath(name)) for name in listed if name and (ROOT / name).exists()}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    assert "rasoat/py.typed" in expected
    assert {name for name in names if ".dist-info/" not in name} == expected


def test_the_wheel_carries_its_licence_and_its_extras(wheel):
    with zipfile.ZipFile(wheel) as archive:
        folder = next(name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name)
        metadata = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        assert b"Apache License" in archive.read(f"{folder}/licenses/LICENSE")
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra")) >= {"postgres", "notify", "web", "reports"}


def test_the_command_runs_from_another_folder(clean_python, host):
    import rasoat

    assert run_in(host, clean_python.with_name("rasoat"), "--version").split()[-1] == rasoat.__version__


def test_every_module_imports_beside_a_host_with_packages_called_like_our_rooms(clean_python, host):
    script = host / "application.py"
    script.write_text(HOST, encoding="utf-8")
    assert int(run_in(host, clean_python, script)) > 0


def test_importing_the_package_loads_none_of_its_rooms(clean_python, host):
    loaded = run_in(host, clean_python, "-c", "import sys, rasoat; print([m for m in sys.modules if 'rasoat.' in m])")
    assert loaded.strip() == "[]"
