"""What a release hands out, made once for all who look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release; whoever asks for it belongs to the group "packaging", so that it is made once."""
    from tools.release import release

    folder = tmp_path_factory.mktemp("release")
    release(folder)
    return folder


@pytest.fixture(scope="session")
def wheel(released: Path) -> Path:
    """The wheel of the release, as built from its sdist in a folder where nothing else of the project is."""
    return next(released.glob("*.whl"))
