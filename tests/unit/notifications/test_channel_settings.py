from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from rasoat.foundation.clock import FrozenClock
from rasoat.foundation.errors import DefinitionError, InputError
from rasoat.notifications.channels import registry
from rasoat.notifications.channels.apprise import AppriseChannel
from rasoat.notifications.channels.inbox import InboxChannel
from rasoat.notifications.channels.log import LogChannel
from rasoat.notifications.channels.registry import Surroundings, build
from rasoat.notifications.channels.signing import secret_key, signature_headers
from rasoat.notifications.channels.smtp import Relay, SmtpChannel
from rasoat.notifications.channels.webhook import WebhookChannel
from rasoat.notifications.optional import MissingExtraError, require

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
CLOCK = FrozenClock(datetime(2022, 10, 27, 1, tzinfo=UTC))


class Inbox:
    def put(self, message):
        return True


def around(**environment):
    return Surroundings(CLOCK, Inbox(), environment)


def test_every_built_in_kind_is_built_from_its_table(tmp_path):
    password = tmp_path / "password"
    password.write_text("s3cret\n", encoding="utf-8")
    tables = {
        "email": {
            "kind": "smtp",
            "host": "mail.example.vn",
            "sender": "rasoat@example.vn",
            "username": "u",
            "password": {"file": str(password)},
            "timeout": 5,
        },
        "case_system": {
            "kind": "webhook",
            "secrets": [{"env": "NEW"}, {"env": "OLD"}],
            "allow": ["private"],
            "networks": ["10.0.0.0/8"],
            "follow_redirects": True,
        },
        "sms": {"kind": "apprise", "schemes": ["jsons"], "url": {"env": "GATEWAY"}},
        "inbox": {"kind": "inbox"},
        "log": {"kind": "log"},
    }
    channels = build(tables, around(NEW=SECRET, OLD=SECRET, GATEWAY="jsons://gateway.example.vn/{address}"))
    assert {name: type(channel) for name, channel in channels.items()} == {
        "email": SmtpChannel,
        "case_system": WebhookChannel,
        "sms": AppriseChannel,
        "inbox": InboxChannel,
        "log": LogChannel,
    }
    assert all(channel.name == name for name, channel in channels.items())
    assert len({channel.guarantee for channel in channels.values()}) == 5


SMTP = {"kind": "smtp", "host": "mail.example.vn", "sender": "rasoat@example.vn"}
HOOK = {"kind": "webhook", "secrets": [{"env": "KEY"}]}


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({}, "'kind' is missing"),
        ({"kind": "pigeon"}, "'pigeon' is not one of apprise, inbox, log, smtp, webhook"),
        (SMTP | {"hots": "x"}, "unknown key hots"),
        (SMTP | {"host": ""}, "'host' is missing"),
        (SMTP | {"port": "25"}, "port = '25' is not a int"),
        (SMTP | {"port": True}, "port = True is not a int"),
        (SMTP | {"sender": "nobody"}, "sender address"),
        (SMTP | {"security": "ssl"}, "security 'ssl'"),
        (SMTP | {"username": "u"}, "both user name and password"),
        (SMTP | {"username": "ú", "password": {"env": "KEY"}}, "must be ASCII"),
        (SMTP | {"username": "u", "password": "plain"}, "never the secret itself"),
        (SMTP | {"username": "u", "password": {"env": "NOT_SET"}}, "NOT_SET is empty or not set"),
        (SMTP | {"username": "u", "password": {"env": "KEY", "x": 1}}, "never the secret itself"),
        (SMTP | {"username": "u", "password": {"file": "/nowhere/at/all"}}, "cannot be read"),
        (SMTP | {"username": "u", "password": {"env": "KEY"}, "security": "none"}, "not sent unencrypted"),
        (SMTP | {"ca_file": "/nowhere/at/all"}, "ca_file"),
        (SMTP | {"allow": ["intranet"]}, "intranet"),
        (SMTP | {"allow": [1]}, "not a list of strings"),
        ({"kind": "webhook"}, "needs a secret"),
        (HOOK | {"secrets": [{"env": "SHORT"}]}, "24 to 64"),
        (HOOK | {"follow_redirects": "yes"}, "is not a bool"),
        ({"kind": "apprise"}, "name the schemes"),
        ({"kind": "apprise", "schemes": ["json"], "url": {"env": "KEY"}}, "must hold {address}"),
    ],
)
def test_a_faulty_table_is_refused_with_channel_and_key(table, fault):
    with pytest.raises(DefinitionError) as caught:
        build({"here": table}, around(KEY=SECRET, SHORT="whsec_AAAA"))
    assert "channel 'here'" in str(caught.value)
    assert fault in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_inbox_needs_a_process_that_has_one():
    with pytest.raises(DefinitionError, match="no inbox"):
        build({"inbox": {"kind": "inbox"}}, Surroundings(CLOCK))


def test_a_package_adds_a_channel_by_an_entry_point(tmp_path, monkeypatch):
    (tmp_path / "loud_channel.py").write_text(
        "class Loud:\n"
        "    guarantee = 'none'\n"
        "    def __init__(self, name, volume): self.name, self.volume = name, volume\n"
        "def make(settings, surroundings): return Loud(settings.name, settings.take('volume', int, 3))\n",
        encoding="utf-8",
    )
    info = tmp_path / "loud_channel-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud-channel\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\nloud = loud_channel:make\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    channel = build({"siren": {"kind": "loud", "volume": 11}}, around())["siren"]
    assert (channel.name, channel.volume) == ("siren", 11)
    with pytest.raises(DefinitionError, match="unknown key colour"):
        build({"siren": {"kind": "loud", "colour": "red"}}, around())
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\nsmtp = loud_channel:make\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match="'smtp' is offered by loud_channel:make, but the name is taken"):
        registry.kinds()


def test_the_signature_is_the_one_standard_webhooks_publishes():
    key = secret_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, tz=UTC)
    headers = signature_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [key])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_keys_are_rotated_each_key_signs():
    old, new = bytes(24), bytes(range(24))
    at = datetime.fromtimestamp(0, tz=UTC)
    both, single = (signature_headers("m", at, b"{}", keys)["webhook-signature"] for keys in ([new, old], [old]))
    assert both.split(" ")[1] == single
    assert len(set(both.split(" "))) == 2


@pytest.mark.parametrize(
    "written", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!", "whsec_AAAA", "whsec_" + "A" * 200]
)
def test_a_secret_of_another_form_is_refused_without_being_shown(written):
    with pytest.raises(InputError) as caught:
        secret_key(written)
    assert written not in str(caught.value)


def test_a_relay_does_not_show_its_password():
    assert "hidden" not in repr(Relay("mail.example.vn", username="u", password="hidden"))


def test_a_missing_package_names_the_extra():
    with pytest.raises(MissingExtraError, match=r"rasoat\[notify\]"):
        require("no_such_package_anywhere.part", purpose="a test")


def test_the_room_is_imported_without_the_optional_packages(tmp_path):
    import subprocess
    import sys

    script = (
        "import sys\n"
        "for name in ('httpx', 'jinja2', 'apprise', 'babel', 'stamina'): sys.modules[name] = None\n"
        "import rasoat.notifications.composing, rasoat.notifications.channels.registry as r\n"
        "from rasoat.notifications.rendering import render\n"
        "try: render('channel_test', 'vi', {'channel': 'x'})\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "pip install 'rasoat[notify]'" in done.stdout
