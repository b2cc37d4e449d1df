"""Bearer tokens of an OpenID provider, against a real key server on loopback."""

from __future__ import annotations

import jwt
import pytest

from rasoat.foundation.errors import InputError
from rasoat.web import OidcSettings, WebSettings
from tests.support.issuer import AUDIENCE, NAME, issuer
from tests.support.serving import COMMUNE, Service, problem, village

MANDATES = {"scope": "openid rasoat.read rasoat.act", "rasoat_mandates": [f"committee:{COMMUNE}"]}


@pytest.fixture
def provider():
    with issuer() as running:
        running.new_key("k1")
        yield running


@pytest.fixture
def start(tmp_path):
    started = []

    def serving(oidc):
        settings = WebSettings(oidc=oidc, requests_per_second=10_000, burst=10_000)
        started.append(Service(f"sqlite:///{tmp_path / 'test.db'}", tmp_path, settings))
        started[-1].plant()
        return started[-1]

    yield serving
    for service in started:
        service.close()


def _status(service, token):
    with service.client(token) as client:
        return client.get("/v1/me").status_code


def test_claims_become_roles_in_units(provider, start):
    service = start(provider.settings())
    with service.client(provider.sign("k1", service.clock.now(), **MANDATES)) as client:
        me = client.get("/v1/me").json()
        assert (me["key"], me["scopes"], me["sees"]) == ("CB-01", ["act", "read"], [COMMUNE])
        assert len(client.get("/v1/cases").json()["items"]) == 6


def test_claims_of_another_make_are_mapped_by_settings(provider, start):
    service = start(
        provider.settings(
            roles_claim="realm_access.roles",
            units_claim="https://gov.example/units",
            roles={"can-bo-lao-dong": "committee"},
            units={"xa-18766": COMMUNE},
            scopes_claim="permissions",
            scopes={"doc": "read"},
            subject_claim="staff.code",
        )
    )
    claims = {
        "realm_access": {"roles": ["can-bo-lao-dong", "unknown"]},
        "https://gov.example/units": ["xa-18766", "42"],
        "permissions": ["doc"],
        "staff": {"code": "CB-55"},
    }
    with service.client(provider.sign("k1", service.clock.now(), **claims)) as client:
        me = client.get("/v1/me").json()
        assert (me["key"], me["scopes"]) == ("CB-55", ["read"])
        assert me["mandates"] == [{"role": "committee", "unit": COMMUNE, "valid_from": None, "valid_to": None}]


def test_a_token_that_is_not_in_order_opens_nothing(provider, start):
    service = start(provider.settings())
    now = service.clock.now()
    moment = int(now.timestamp())
    good = provider.sign("k1", now, **MANDATES)
    head, body, signature = good.split(".")
    provider.new_key("hidden")
    signed_by_a_hidden_key = provider.sign("hidden", now, **MANDATES)
    provider.drop_key("hidden")
    for bad in (
        provider.sign("k1", now, **MANDATES, exp=moment - 31),
        provider.sign("k1", now, **MANDATES, exp=None),
        provider.sign("k1", now, **MANDATES, exp="soon"),
        provider.sign("k1", now, **MANDATES, exp=10**400),
        provider.sign("k1", now, **MANDATES, exp=float("nan")),
        provider.sign("k1", now, **MANDATES, nbf=moment + 31),
        provider.sign("k1", now, **MANDATES, iat=moment + 31),
        provider.sign("k1", now, **MANDATES, aud="another"),
        provider.sign("k1", now, **MANDATES, iss="https://id.evil"),
        provider.sign("k1", now, **MANDATES, sub="system"),
        provider.sign("k1", now, **MANDATES, sub="x" * 65),
        provider.sign("k1", now, **MANDATES, sub=None),
        provider.sign("k1", now, **MANDATES, algorithm="RS512"),
        signed_by_a_hidden_key,
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.",
        jwt.encode({"sub": "CB-01", "iss": NAME, "aud": AUDIENCE, "exp": moment + 60}, None, algorithm="none"),
        jwt.encode({"sub": "CB-01"}, "x" * 32, algorithm="HS256", headers={"kid": "k1"}),
        "a.b.c",
        "rst_1_" + "a" * 43,
        "",
    ):
        assert _status(service, bad) == 401, bad[:40]
    assert _status(service, good) == 200


def test_leeway_covers_clocks_that_disagree_a_little(provider, start):
    service = start(provider.settings())
    moment = int(service.clock.now().timestamp())
    assert _status(service, provider.sign("k1", service.clock.now(), **MANDATES, exp=moment - 29)) == 200


def test_a_new_key_is_found_and_a_withdrawn_one_is_worth_nothing(provider, start):
    service = start(provider.settings(keys_asked_at_most_every_seconds=0, keys_kept_seconds=0))
    now = service.clock.now()
    assert _status(service, provider.sign("k1", now, **MANDATES)) == 200
    provider.new_key("k2", "EC")
    provider.drop_key("k1")
    assert _status(service, provider.sign("k2", now, **MANDATES, algorithm="ES256")) == 200
    assert _status(service, provider.sign("k1", now, **MANDATES)) == 401


def test_made_up_key_ids_do_not_hammer_the_issuer(provider, start):
    service = start(provider.settings())
    now = service.clock.now()
    assert _status(service, provider.sign("k1", now, **MANDATES)) == 200
    for n in range(20):
        token = jwt.encode({"sub": "CB-01"}, "x" * 32, algorithm="HS256", headers={"kid": f"made-up-{n}"})
        assert _status(service, token) == 401
    assert provider.asked == 1


def test_an_issuer_that_is_down_does_not_lock_out_whose_keys_are_known(provider, start):
    service = start(provider.settings(keys_asked_at_most_every_seconds=0, keys_kept_seconds=0))
    token = provider.sign("k1", service.clock.now(), **MANDATES)
    assert _status(service, token) == 200
    provider.down = True
    assert _status(service, token) == 200


def test_an_issuer_never_reached_is_503_and_not_an_open_door(provider, start):
    provider.down = True
    service = start(provider.settings())
    with service.client(provider.sign("k1", service.clock.now(), **MANDATES)) as client:
        answer = client.get("/v1/me")
        assert (answer.status_code, problem(answer)["retryable"]) == (503, True)


def test_without_scopes_a_token_opens_nothing_and_without_mandates_it_sees_nothing(provider, start):
    service = start(provider.settings())
    now = service.clock.now()
    assert _status(service, provider.sign("k1", now, rasoat_mandates=MANDATES["rasoat_mandates"])) == 403
    with service.client(provider.sign("k1", now, scope="rasoat.read")) as client:
        assert client.get("/v1/cases").json()["items"] == []
        assert client.get("/v1/units").json()["items"] == []


def test_acting_for_another_needs_the_claim(provider, start):
    service = start(provider.settings())
    now = service.clock.now()
    for claims, expected in (({}, 403), ({"rasoat_acts_for": ["CB-02"]}, 200)):
        with service.client(provider.sign("k1", now, **MANDATES, **claims)) as client:
            answer = client.get("/v1/me", headers={"Rasoat-On-Behalf-Of": "CB-02"})
            assert answer.status_code == expected


def test_service_tokens_and_the_provider_work_side_by_side(provider, start):
    service = start(provider.settings())
    with service.client(service.token("HE-THONG")) as client:
        assert client.get("/v1/me").json()["key"] == "HE-THONG"


@pytest.mark.parametrize(
    "given",
    [
        {"algorithms": ("HS256",)},
        {"algorithms": ("none",)},
        {"algorithms": ()},
        {"jwks_url": "http://id.example/keys"},
        {"jwks_url": "http://127.0.0.1.evil.example/keys"},
        {"jwks_url": "file:///etc/passwd"},
        {"jwks_url": "https:"},
    ],
)
def test_settings_that_would_weaken_the_check_are_refused(given):
    with pytest.raises(InputError):
        OidcSettings(**{"issuer": NAME, "audience": AUDIENCE, "jwks_url": "https://id.example/keys"} | given)


def test_a_mandate_of_a_village_shows_that_village_alone(provider, start):
    service = start(provider.settings())
    claims = {"scope": "rasoat.read", "rasoat_mandates": [f"village_head:{village(2)}", "nonsense", 7]}
    with service.client(provider.sign("k1", service.clock.now(), **claims)) as client:
        assert {case["unit"] for case in client.get("/v1/cases").json()["items"]} == {village(2)}
