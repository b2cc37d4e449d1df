"""`rasoat serve` as a process on loopback, and the API mounted in a host's own application."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from typer.testing import CliRunner

from rasoat import Mandate
from rasoat.cli import app
from rasoat.serving import asgi
from rasoat.web import WebSettings
from rasoat.web.limits import Buckets
from tests.support.serving import COMMUNE, Service, problem

ENTRY = [sys.executable, "-c", "from rasoat.cli import main; main()"]


@contextmanager
def server(*options):
    """`rasoat serve` on a free port; yields its address once it says that it listens."""
    process = subprocess.Popen(
        [*ENTRY, "serve", "--port", "0", *options], stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    try:
        for line in process.stderr:
            found = re.search(r"running on (http://127\.0\.0\.1:\d+)", line)
            if found:
                yield found[1]
                break
        else:
            pytest.fail("the server ended before it listened")
    finally:
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        process.stderr.close()
        process.wait(20)


def _cli(*arguments):
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.stdout, done.stderr


def test_a_served_database_answers_those_who_hold_a_token_and_stops_when_one_is_revoked(tmp_path):
    db = f"sqlite:///{tmp_path / 'served.db'}"
    assert _cli("db", "upgrade", "--db", db)[0] == 0
    code, out, _ = _cli("token", "create", "HE-THONG", "--scope", "read", "--scope", "admin",
                        "--role", "committee:42", "--db", db, "--json")  # fmt: skip
    made = json.loads(out)
    assert code == 0
    with server("--db", db) as address, httpx.Client(base_url=address, trust_env=False) as client:
        assert client.get("/health/ready").json() == {"status": "ok"}
        assert client.get("/v1/me").status_code == 401
        bearer = {"Authorization": f"Bearer {made['token']}"}
        units = [{"code": "42", "name": "Tỉnh Mẫu", "level": "province", "parent": None}]
        assert client.post("/v1/units", json=units, headers=bearer).json() == {"units": 1, "new": 1}
        assert client.get("/v1/me", headers=bearer).json()["sees"] == ["42"]
        assert "server" not in client.get("/health/live").headers
        assert _cli("token", "revoke", made["id"], "--db", db)[0] == 0
        assert client.get("/v1/me", headers=bearer).status_code == 401
    code, out, _ = _cli("token", "list", "--db", db, "--json")
    assert [(token["name"], token["status"]) for token in json.loads(out)] == [("HE-THONG", "revoked")]
    assert made["token"] not in out


def test_the_local_trial_lets_everyone_on_this_machine_in(tmp_path):
    db = f"sqlite:///{tmp_path / 'trial.db'}"
    assert _cli("db", "upgrade", "--db", db)[0] == 0
    with server("--db", db, "--insecure-demo") as address, httpx.Client(base_url=address, trust_env=False) as client:
        assert client.get("/v1/me").json()["key"] == "demo"
        assert client.get("/v1/workflows").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])  # noqa: S104  what must be refused
def test_the_local_trial_is_refused_on_any_other_address(tmp_path, host):
    code, _, err = _cli("serve", "--insecure-demo", "--host", host, "--db", f"sqlite:///{tmp_path / 'x.db'}")
    assert code == 2
    assert "loopback" in err


def test_wrong_options_are_named(tmp_path):
    db = f"sqlite:///{tmp_path / 'x.db'}"
    settings = tmp_path / "web.toml"
    settings.write_text("[oidc]\nissuer = 'x'\n")
    code, _, err = _cli("serve", "--settings", str(settings), "--db", db)
    assert (code, "audience" in err) == (2, True)
    assert _cli("token", "create", "x", "--scope", "everything", "--db", db)[0] == 2
    assert _cli("token", "create", "system", "--scope", "read", "--db", db)[0] == 2
    assert _cli("token", "create", "x", "--scope", "read", "--role", "committee", "--db", db)[0] == 2
    assert _cli("token", "revoke", "1", "--db", db)[0] == 2


@pytest.fixture
def trial(tmp_path):
    settings = WebSettings(open_to_all=True)
    service = Service(f"sqlite:///{tmp_path / 'test.db'}", tmp_path, settings)
    service.plant()
    yield service
    service.close()


def test_a_trial_is_closed_to_other_machines_even_when_somebody_forwards_it(trial):
    with trial.client(address="127.0.0.1") as here:
        assert len(here.get("/v1/cases").json()["items"]) == 7
    with trial.client(address="192.0.2.7") as elsewhere:
        assert elsewhere.get("/v1/cases").status_code == 401


def test_the_api_lives_under_a_hosts_prefix(service):
    service.plant()
    host = Starlette(routes=[Mount("/he-thong/ra-soat", service.app)])
    with service.client(service.token(), app=host) as client:
        page = client.get("/he-thong/ra-soat/v1/cases?limit=2")
        assert page.headers["link"].startswith("</he-thong/ra-soat/v1/cases?")
        assert client.get("/he-thong/ra-soat/openapi.json").status_code == 200
        assert client.get("/v1/cases").status_code == 404
    with service.client(app=host) as nobody:
        assert nobody.get("/he-thong/ra-soat/health/live").status_code == 200
        assert nobody.get("/he-thong/ra-soat/v1/cases").status_code == 401


def test_a_token_ends_on_its_day(service):
    service.plant()
    token = service.token("CB-01", Mandate("committee", COMMUNE), lasts=timedelta(days=1))
    with service.client(token) as client:
        assert client.get("/v1/me").status_code == 200
        service.clock.advance(timedelta(days=1))
        assert client.get("/v1/me").status_code == 401


def test_a_database_of_another_release_is_not_ready(serve, tmp_path):
    service = serve(f"sqlite:///{tmp_path / 'test.db'}")
    with service.client() as client:
        assert client.get("/health/ready").status_code == 200
        with service.engine.transaction() as tx:
            tx.connection.exec_driver_sql("UPDATE rasoat_schema_version SET version_num = '0001'")
        answer = client.get("/health/ready")
        assert (answer.status_code, problem(answer)["code"]) == (503, "storage")


def test_each_caller_has_a_bucket_of_their_own(serve, tmp_path):
    service = serve(f"sqlite:///{tmp_path / 'test.db'}", settings=WebSettings(requests_per_second=0.001, burst=3))
    with service.client(service.token("A")) as one, service.client(service.token("B")) as two:
        answers = [one.get("/v1/me") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert problem(answers[-1])["retryable"]
        assert two.get("/v1/me").status_code == 200


class _Shared:
    """A host's limiter, as a store that several processes ask would be; it may be down."""

    def __init__(self):
        self.buckets = Buckets(0.001, 3)
        self.names = []
        self.down = False

    def take(self, name):
        if self.down:
            raise ConnectionError(name)
        self.names.append(name)
        return self.buckets.take(name)


def test_processes_that_share_a_limiter_hold_a_caller_to_one_limit(serve, tmp_path):
    own = WebSettings(requests_per_second=0.001, burst=2)
    service, shared = serve(f"sqlite:///{tmp_path / 'test.db'}", settings=own), _Shared()
    processes = [asgi(service.engine, own, limiter=shared) for _ in range(2)]
    token = service.token("A")
    with service.client(token, app=processes[0]) as one, service.client(token, app=processes[1]) as two:
        answers = [client.get("/v1/me").status_code for client in (one, two, one, two)]
        assert (answers, set(shared.names)) == ([200, 200, 200, 429], {"principal A"})
        shared.down = True  # each counts for itself: closed to nobody, open to no flood
        assert [one.get("/v1/me").status_code for _ in range(3)] == [200, 200, 429]
        assert two.get("/v1/me").status_code == 200


def test_processes_that_share_nothing_each_have_their_own_count(serve, tmp_path):
    own = WebSettings(requests_per_second=0.001, burst=1)
    service = serve(f"sqlite:///{tmp_path / 'test.db'}", settings=own)
    token = service.token("A")
    for process in [asgi(service.engine, own) for _ in range(2)]:
        with service.client(token, app=process) as client:
            assert [client.get("/v1/me").status_code for _ in range(2)] == [200, 429]


def test_guessing_at_tokens_is_slowed_down_by_address(serve, tmp_path):
    service = serve(f"sqlite:///{tmp_path / 'test.db'}", settings=WebSettings(requests_per_second=0.001, burst=3))
    with service.client("rst_1_" + "a" * 43, address="192.0.2.7") as stranger:
        assert [stranger.get("/v1/me").status_code for _ in range(4)] == [401, 401, 401, 429]
    with service.client("rst_1_" + "a" * 43, address="192.0.2.8") as another:
        assert another.get("/v1/me").status_code == 401


def test_a_body_that_is_too_large_is_refused_whether_announced_or_not(serve, tmp_path):
    service = serve(f"sqlite:///{tmp_path / 'test.db'}", settings=WebSettings(body_bytes=1_000))
    with service.client(service.token()) as client:
        large = b'{"x": "' + b"a" * 2_000 + b'"}'
        announced = client.post("/v1/acts", content=large)
        assert (announced.status_code, problem(announced)["code"]) == (413, "too_large")
        headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
        silent = client.post("/v1/acts", content=iter([large[:900], large[900:]]), headers=headers)
        assert (silent.status_code, problem(silent)["code"]) == (413, "too_large")
        nonsense = client.post("/v1/acts", content=b"{}", headers={"Content-Length": "-1"})
        assert nonsense.status_code == 413
