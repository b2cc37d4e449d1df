"""The HTTP API over a planted commune, on each database."""

from __future__ import annotations

import pytest

from tests.support.serving import Service


@pytest.fixture
def serve(tmp_path):
    started = []

    def start(url, **options):
        started.append(Service(url, tmp_path, **options))
        return started[-1]

    yield start
    for service in started:
        service.close()


@pytest.fixture
def service(database_url, serve):
    return serve(database_url)
