"""Claims into principals, whatever a provider writes into them; keys kept and asked for again."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from rasoat.foundation.errors import StorageError
from rasoat.web import OidcSettings
from rasoat.web.jwks import IssuerKeys
from rasoat.web.oidc import Unacceptable, principal_of
from rasoat.web.principals import is_key

NOW = datetime(2022, 10, 1, tzinfo=UTC)
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = {**json.loads(ECAlgorithm.to_jwk(PRIVATE.public_key())), "kid": "k"}
OTHER = {**PUBLIC, "kid": "other"}
MAPPED = OidcSettings(
    "https://id.example",
    "rasoat",
    "https://id.example/keys",
    roles_claim="a.b",
    units_claim="units",
    roles={"r": "committee"},
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
names = ["sub", "scope", "rasoat_mandates", "rasoat_acts_for", "a", "units", "exp", "nbf", "iat", "iss", "aud"]


def keys_of(*answers, watch=None, **settings):
    """An issuer that gives each answer once, the last one for ever."""
    asked = []

    def fetch(url):
        asked.append(url)
        answer = answers[min(len(asked), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    made = OidcSettings("https://id.example", "rasoat", "https://id.example/keys", **settings)
    return IssuerKeys(made, fetch, watch or (lambda: 0.0)), asked


def _signed(claims):
    moment = int(NOW.timestamp())
    whole = {"iss": "https://id.example", "aud": "rasoat", "sub": "CB-1", "exp": moment + 60, **claims}
    return jwt.api_jws.encode(json.dumps(whole).encode(), PRIVATE, algorithm="ES256", headers={"kid": "k"})


@given(claims=st.dictionaries(st.sampled_from(names), anything, max_size=6))
def test_no_claim_crashes_the_gate_or_opens_what_it_does_not_name(claims):
    keys, _ = keys_of({"keys": [PUBLIC]})
    try:
        found = principal_of(_signed(claims), MAPPED, keys, NOW)
    except Unacceptable:
        return
    assert is_key(found.key)
    assert found.scopes <= {"read", "act", "admin"}
    assert all(mandate.role and mandate.unit_path for mandate in found.mandates)


@given(word=st.text(max_size=70))
def test_a_key_is_short_plain_and_never_the_workers(word):
    if is_key(word):
        assert word.isascii()
        assert word.isprintable()
        assert len(word) <= 64
        assert word != "system"


def test_an_unknown_key_is_asked_for_but_not_too_often():
    now = [0.0]
    keys, asked = keys_of({"keys": [OTHER]}, {"keys": [PUBLIC]}, watch=lambda: now[0])
    assert keys.key("k") is None
    assert keys.key("k") is None
    assert len(asked) == 1
    now[0] = 10.0
    assert keys.key("k") is not None
    assert len(asked) == 2


def test_known_keys_are_read_again_after_a_while_and_outlive_an_outage():
    now = [0.0]
    keys, asked = keys_of({"keys": [PUBLIC]}, StorageError("down"), {"keys": [OTHER]}, watch=lambda: now[0])
    assert keys.key("k") is not None
    now[0] = 299.0
    assert keys.key("k") is not None
    assert len(asked) == 1
    now[0] = 300.0
    assert keys.key("k") is not None  # the issuer is down: the known key still serves
    now[0] = 311.0
    assert keys.key("k") is None  # withdrawn by the issuer
    assert len(asked) == 3


@pytest.mark.parametrize(
    "document",
    [
        None, [], {}, {"keys": 1}, {"keys": [{}]}, {"keys": ["x"]}, {"keys": [{"kty": "RSA", "kid": "k"}]},
        {"keys": [{"kty": "oct", "kid": "k", "k": "c2VjcmV0"}]}, {"keys": [{**PUBLIC, "use": "enc"}]},
    ],
)  # fmt: skip
def test_a_key_set_that_holds_no_key_to_verify_with_verifies_nothing(document):
    keys, _ = keys_of(document)
    with suppress(StorageError):
        assert keys.key("k") is None


def test_keys_do_not_outlive_an_outage_for_ever():
    now = [0.0]
    keys, _ = keys_of({"keys": [PUBLIC]}, StorageError("down"), watch=lambda: now[0])
    assert keys.key("k") is not None
    now[0] = 24 * 3600.0 - 11
    assert keys.key("k") is not None
    now[0] = 24 * 3600.0
    for _ in range(2):  # also within the time in which the issuer is not asked again
        with pytest.raises(StorageError):
            keys.key("k")
