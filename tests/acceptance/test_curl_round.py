"""A commune's whole round driven over HTTP by a shell script with curl: from the list to the recognition."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rasoat import Mandate, Rasoat
from rasoat.persistence.keys import FileKeys, create_key_file
from rasoat.persistence.tokens import NewToken, create
from rasoat.serving import asgi
from tests.support.listening import listening

SCRIPT = Path(__file__).parents[2] / "examples" / "curl_round" / "review.sh"
OFFICES = ("committee", "enumerator", "commune_chair")
COMMUNE = "42/446/18766"


@pytest.fixture
def engine(tmp_path):
    create_key_file(tmp_path / "keys.json")
    with_keys = Rasoat.open(f"sqlite:///{tmp_path / 'rasoat.db'}", keys=FileKeys(tmp_path / "keys.json"))
    yield with_keys
    with_keys.close()


def _token(engine):
    heads = (Mandate("village_head", f"{COMMUNE}/18766-{number}") for number in ("01", "02"))
    above = (Mandate("superior_chair", "42/446"), Mandate("supervisor", "42"))
    held = (*(Mandate(office, COMMUNE) for office in OFFICES), *heads, *above)
    now = datetime.now(UTC)
    with engine.transaction() as tx:
        asked = NewToken("he-thong-xa", ("read", "act", "admin"), held, (), now + timedelta(days=1))
        return create(tx, engine.ids.take(1)[0], asked, now)[1]


def _run(address, token):
    assert shutil.which("curl"), "curl is missing: tools/ensure_system.sh curl"
    return subprocess.run(
        ["bash", str(SCRIPT)],
        env={**os.environ, "RASOAT_API": address, "RASOAT_TOKEN": token, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_round_goes_from_list_to_recognition_with_curl_alone_and_may_be_run_again(engine):
    with listening(asgi(engine)) as address:
        first, again = (_run(address, _token(engine)) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert 'refused: "code":"refused.' in first.stdout
    states = Counter(case.case.state for case in map(engine.case, ("HB-001", "HB-002", "HB-003")))
    assert states == {"recognised": 3}
    given = re.findall(r"^\d+/\d+/GCN[^,]*,", first.stdout, re.MULTILINE)
    assert len(given) == len(set(given)) == 3, first.stdout
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[-3:] == first.stdout.splitlines()[-3:]


def test_without_credentials_the_script_ends_with_the_problem(engine):
    with listening(asgi(engine)) as address:
        ended = _run(address, "rst_none")
    assert ended.returncode != 0
    assert "401" in ended.stderr
    assert "unauthenticated" in ended.stderr
