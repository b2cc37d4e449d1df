from __future__ import annotations

import psycopg
import pytest

from tests.support import postgres
from tests.support.postgres import Cluster, PostgresMissingError, find_binaries


def machine_with(tmp_path, monkeypatch, *versions, complete=True):
    """A machine whose PATH is empty and whose Debian folder holds these server versions."""
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path)
    for version in versions:
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        for name in ("initdb", "pg_ctl", "postgres") if complete else ("pg_config",):
            (folder / name).touch(mode=0o755)


def test_of_debians_servers_the_newest_is_taken(tmp_path, monkeypatch):
    machine_with(tmp_path, monkeypatch, "9", "15", "17")
    assert find_binaries() == tmp_path / "17" / "bin"


def test_a_folder_of_client_programs_is_no_server(tmp_path, monkeypatch):
    machine_with(tmp_path, monkeypatch, "15", complete=False)
    assert find_binaries() is None


def test_a_machine_without_a_server_is_told_what_to_install(tmp_path, monkeypatch):
    machine_with(tmp_path, monkeypatch)
    with pytest.raises(PostgresMissingError, match=r"tools/ensure_system\.sh postgres"):
        Cluster(tmp_path / "cluster", owner=1).start()


def tables(url):
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        return connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()[0]


@pytest.mark.postgres
def test_each_database_is_empty_and_apart_and_gone_afterwards(postgres_cluster):
    with postgres_cluster.empty_database("a") as first, postgres_cluster.empty_database("a") as second:
        with psycopg.connect(first.replace("postgresql+psycopg", "postgresql")) as connection:
            connection.execute("CREATE TABLE household (id bigint)")
        assert (tables(first), tables(second)) == (1, 0)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        tables(first)


@pytest.mark.postgres
def test_a_copy_holds_what_its_template_was_filled_with_once_and_leaves_it_alone(postgres_cluster):
    filled = []

    def fill(url):
        filled.append(url)
        with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
            connection.execute("CREATE TABLE household (id bigint)")

    for _ in range(2):
        with postgres_cluster.copy_of("households", fill, "b") as copy:
            assert tables(copy) == 1
            with psycopg.connect(copy.replace("postgresql+psycopg", "postgresql")) as connection:
                connection.execute("CREATE TABLE unit (id bigint)")
    assert len(filled) == 1
