"""The settings file of `rasoat serve`: every key known, every value checked."""

from __future__ import annotations

import pytest

from rasoat.foundation.errors import InputError
from rasoat.web import WebSettings
from rasoat.web.configuring import read_settings

WHOLE = """
personal_roles = ["committee"]
requests_per_second = 5
burst = 10

[oidc]
issuer = "https://id.example"
audience = "rasoat"
jwks_url = "https://id.example/keys"
algorithms = ["ES256"]
roles_claim = "realm_access.roles"

[oidc.roles]
can-bo = "committee"
"""


def test_a_file_says_what_differs_from_the_defaults(tmp_path):
    file = tmp_path / "web.toml"
    file.write_text(WHOLE, encoding="utf-8")
    found = read_settings(file)
    assert (found.personal_roles, found.burst, found.body_bytes) == ({"committee"}, 10, WebSettings().body_bytes)
    assert (found.oidc.algorithms, found.oidc.roles) == (("ES256",), {"can-bo": "committee"})
    assert not found.open_to_all


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("burts = 1", "burts"),
        ("burst = 'x'", "burst"),
        ("burst = 0", "burst"),
        ("open_to_all = true", "open_to_all"),
        ("[oidc]\nissuer = 'x'", "audience"),
        (WHOLE.replace("ES256", "HS256"), "HS256"),
        (WHOLE.replace('jwks_url = "https', 'jwks_url = "http'), "JWKS"),
        (WHOLE.replace("roles_claim", "role_claim"), "role_claim"),
        ("= 1", "TOML"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, named):
    file = tmp_path / "web.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=named):
        read_settings(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.toml"):
        read_settings(tmp_path / "nothing.toml")
