"""Tests of migration begin where nothing is."""

from __future__ import annotations

import pytest


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    return empty_database_url
