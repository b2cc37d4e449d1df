"""What every test may ask for: an empty database on either engine, and the same random choices on every run."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
import typer.testing
from hypothesis import settings
from sqlalchemy import event
from sqlalchemy.pool import Pool

from tests.support.postgres import Cluster, PostgresMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

_CLUSTER = pytest.StashKey[Cluster]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the run's one PostgreSQL folder: the controller makes it, its workers are told."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # a developer's own PGHOST or PGPORT is not the tests' business
    os.environ.pop("RASOAT_LANG", None)
    # Each worker reads every test file and each command is a process: compiled once, not by every one of them.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    os.environ["LC_ALL"] = "C.UTF-8"  # commands speak the locale's language; here the one they speak where none is set
    told = getattr(config, "workerinput", None)
    if told:
        config.stash[_CLUSTER] = Cluster(Path(told["postgres_folder"]), told["postgres_owner"])
    else:
        config.stash[_CLUSTER] = Cluster(Path(tempfile.mkdtemp(prefix="rasoat-postgres-")), os.getpid())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which server the run shares."""
    cluster = node.config.stash[_CLUSTER]
    node.workerinput |= {"postgres_folder": str(cluster.folder), "postgres_owner": cluster.owner}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name each test's `xdist_group` where the scheduler reads it; pytest 9.2 no longer reads what xdist 3.8 sets."""
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        groups = "_".join(sorted({mark.args[0] for mark in item.iter_markers("xdist_group")}))
        if groups and not item.nodeid.endswith(f"@{groups}"):
            item._id = type(item.id).parse(f"{item.nodeid}@{groups}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server, whatever became of the run."""
    if _CLUSTER in config.stash and not hasattr(config, "workerinput"):
        config.stash[_CLUSTER].stop()


@pytest.fixture(scope="session")
def postgres_cluster(pytestconfig: pytest.Config) -> Cluster:
    """The run's PostgreSQL server, started by whoever asks first."""
    cluster = pytestconfig.stash[_CLUSTER]
    try:
        cluster.start()
    except PostgresMissingError as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    return cluster


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """Return the URL of an empty PostgreSQL database of this test's own."""
    with postgres_cluster.empty_database(_worker()) as url:
        yield url


@pytest.fixture
def migrated_postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """Return the URL of a PostgreSQL database of this test's own, at the head of the schema."""
    with postgres_cluster.copy_of("migrated", _migrate, _worker()) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file at the head of the schema, to copy."""
    path = tmp_path_factory.mktemp("migrated") / "migrated.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database of this test's own with nothing but the schema in it, on each engine in turn.

    It is a copy of one that was migrated once a run; the tests of migration migrate an empty one.
    """
    if request.param == "sqlite":
        copy = shutil.copyfile(request.getfixturevalue("migrated_file"), tmp_path / "test.db")
        return f"sqlite:///{copy}"
    return request.getfixturevalue("migrated_postgres_url")  # type: ignore[no-any-return]  # pytest types it Any


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database of this test's own with no table in it, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return request.getfixturevalue("postgres_url")  # type: ignore[no-any-return]  # as above


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Let a crash of the machine lose a test's SQLite file, as it may lose its PostgreSQL; nothing else changes."""

    def forget(connection: Any, record: Any, _proxy: Any) -> None:
        if isinstance(connection, sqlite3.Connection) and not (record.info.get("forgets") or connection.in_transaction):
            connection.execute("PRAGMA synchronous=OFF")
            record.info["forgets"] = True

    event.listen(Pool, "checkout", forget)
    yield
    event.remove(Pool, "checkout", forget)


@pytest.fixture(scope="session", autouse=True)
def _command_tree_built_once() -> Iterator[None]:
    """Let commands that tests call in this process share one tree; a process of its own builds its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        yield


@pytest.fixture(autouse=True)
def _no_logging_left_behind() -> Iterator[None]:
    """Undo what a command under test configured, so that no test depends on the one before."""
    yield
    structlog.reset_defaults()


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def _migrate(url: str) -> None:
    from rasoat.persistence.database import Database
    from rasoat.persistence.migrating import upgrade

    database = Database.open(url)
    upgrade(database)
    database.dispose()
