"""Webhook subscriptions, from the request to a real receiver on loopback: signed, retried, scoped, ended."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rasoat import Mandate
from rasoat.foundation.errors import DefinitionError
from rasoat.notifications.webhooks import guard_for
from rasoat.notifying import load_notify, subscription_channel, subscription_jobs
from rasoat.web import WebSettings
from rasoat.worker import Worker
from tests.support.serving import COMMUNE, DISTRICT, OTHER_COMMUNE, problem

SCOPES = ("read", "act", "admin")
NEAR = frozenset({"loopback"})


class Receiver:
    """A web address that keeps what it is sent and answers as it is told."""

    def __init__(self):
        self.taken, self.answers = [], []

    def take(self, headers, body):
        self.taken.append((dict(headers), body))
        return self.answers.pop(0) if self.answers else 204


@contextmanager
def receiving():
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            status = receiver.take(self.headers, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture
def planted(database_url, serve):
    generous = WebSettings(requests_per_second=100_000, burst=100_000, subscriber_networks=NEAR)
    service = serve(database_url, settings=generous)
    service.plant(villages=1, households=1)
    return service


def _work(service):
    service.clock.advance(timedelta(seconds=5))
    jobs = subscription_jobs(subscription_channel(service.engine, guard_for(NEAR)))
    return Worker(service.engine, jobs).once()["subscriptions"]


def _breach(service):
    service.at(datetime(2022, 12, 20, 3, tzinfo=UTC))
    assert service.engine.run_due().breaches == 1


def _require_signed(secret, headers, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    headers = {name.lower(): value for name, value in headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split()


def test_a_subscriber_gets_what_the_outbox_tells_once_and_signed(planted, receiver):
    with planted.client(planted.token("QT-01", scopes=SCOPES)) as client:
        made = client.post("/v1/subscriptions", json={"url": receiver.url, "unit": COMMUNE, "kinds": ["breach"]})
        assert made.status_code == 201, made.text
        assert made.json()["secret"].startswith("whsec_")
        [shown] = client.get("/v1/subscriptions").json()["items"]
        assert "secret" not in shown
        _breach(planted)
        assert _work(planted) == {"events": 1, "sent": 1}
        assert _work(planted) == {"events": 0}
    [(headers, body)] = receiver.taken
    event = json.loads(body)
    assert (event["specversion"], event["type"], event["data"]["about"]) == ("1.0", "rasoat.breach", COMMUNE)
    assert event["id"] == {name.lower(): value for name, value in headers.items()}["webhook-id"]
    assert _require_signed(made.json()["secret"], headers, body)
    assert not _require_signed("whsec_" + base64.b64encode(bytes(32)).decode(), headers, body)


def test_an_event_that_was_not_taken_comes_again_under_the_same_id(planted, receiver):
    receiver.answers = [503]
    with planted.client(planted.token("QT-01", scopes=SCOPES)) as client:
        client.post("/v1/subscriptions", json={"url": receiver.url, "unit": DISTRICT, "kinds": ["breach"]})
        _breach(planted)
        assert _work(planted) == {"events": 1, "failed": 1}
        planted.clock.advance(timedelta(hours=1))
        assert _work(planted) == {"events": 0, "sent": 1}
    assert len({json.loads(body)["id"] for _, body in receiver.taken}) == 1


def test_a_pause_loses_nothing_and_an_end_sends_nothing_more(planted, receiver):
    with planted.client(planted.token("QT-01", scopes=SCOPES)) as client:
        asked = {"url": receiver.url, "unit": COMMUNE, "kinds": ["breach"]}
        kept, ended = (client.post("/v1/subscriptions", json=asked).json()["id"] for _ in range(2))
        paused = client.patch(f"/v1/subscriptions/{kept}", json={"status": "paused"})
        assert paused.json()["status"] == "paused"
        assert client.delete(f"/v1/subscriptions/{ended}").status_code == 204
        assert client.get(f"/v1/subscriptions/{ended}").status_code == 404
        _breach(planted)
        assert _work(planted) == {"events": 0}
        client.patch(f"/v1/subscriptions/{kept}", json={"status": "active"})
        assert _work(planted) == {"events": 1, "sent": 1}


def test_both_secrets_sign_on_the_day_of_the_change(planted, receiver):
    with planted.client(planted.token("QT-01", scopes=SCOPES)) as client:
        made = client.post("/v1/subscriptions", json={"url": receiver.url, "unit": COMMUNE, "kinds": ["breach"]}).json()
        _breach(planted)
        new = client.post(f"/v1/subscriptions/{made['id']}/secret").json()["secret"]
        assert new != made["secret"]
        assert _work(planted)["sent"] == 1
    [(headers, body)] = receiver.taken
    assert _require_signed(new, headers, body)
    assert _require_signed(made["secret"], headers, body)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "https://10.0.0.1/x",
        "http://[::ffff:10.0.0.1]/x",
        "http://u:p@127.0.0.1/",
        "http://203.162.0.1/x",
        "https://[::127.0.0.1]/",
        "https://[::ffff:0:7f00:1]/",
        "https://[64:ff9b:1::7f00:1]/",
    ],
)
def test_an_address_of_the_house_is_refused(planted, url):
    with planted.client(planted.token("QT-01", scopes=SCOPES)) as client:
        answer = client.post("/v1/subscriptions", json={"url": url, "unit": COMMUNE})
        assert (answer.status_code, problem(answer)["code"]) == (422, "address")
        assert "detail" not in problem(answer)  # where a name leads in the house is not for who asks
        assert client.get("/v1/subscriptions").json()["items"] == []


def test_a_sender_does_not_trust_the_address_that_was_let_in_before(planted, receiver):
    with planted.client(planted.token("QT-01", scopes=SCOPES)) as client:
        client.post("/v1/subscriptions", json={"url": receiver.url, "unit": COMMUNE, "kinds": ["breach"]})
    _breach(planted)
    planted.clock.advance(timedelta(seconds=5))
    done = Worker(planted.engine, subscription_jobs(subscription_channel(planted.engine))).once()["subscriptions"]
    assert done == {"events": 1, "dead": 1}
    assert receiver.taken == []


def test_a_subscription_of_another_commune_is_not_there(planted, receiver):
    with planted.client(planted.token("QT-01", scopes=SCOPES)) as client:
        made = client.post("/v1/subscriptions", json={"url": receiver.url, "unit": COMMUNE}).json()["id"]
    with planted.client(planted.token("QT-02", Mandate("committee", OTHER_COMMUNE), scopes=SCOPES)) as client:
        assert client.get("/v1/subscriptions").json()["items"] == []
        assert client.delete(f"/v1/subscriptions/{made}").status_code == 404
        assert client.post("/v1/subscriptions", json={"url": receiver.url, "unit": COMMUNE}).status_code == 403
    with planted.client(planted.token("CB-01")) as client:
        assert client.get("/v1/subscriptions").status_code == 403


def test_no_channel_of_an_installation_may_take_the_name(planted, tmp_path):
    (tmp_path / "people.toml").write_text("", encoding="utf-8")
    file = tmp_path / "notify.toml"
    file.write_text('directory = "people.toml"\n[channels.subscription]\nkind = "log"\n', encoding="utf-8")
    with pytest.raises(DefinitionError, match="subscription"):
        load_notify(file, planted.engine)
