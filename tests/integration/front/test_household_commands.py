"""`rasoat household …` (split, merge, head, move, area, recode, lineage) and `rasoat round left-out`, as typed."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from rasoat import CountingIds, FrozenClock, Household, Person, Rasoat
from rasoat.cli import app
from rasoat.foundation.clock import LEGAL_ZONE

if TYPE_CHECKING:
    from pathlib import Path

RUNNER = CliRunner()
COMMUNE = "42/446/18766"
V1, V2 = f"{COMMUNE}/01", f"{COMMUNE}/02"
OTHER = "42/446/18777"
ROLES = ("--role", f"committee:{COMMUNE}", "--role", f"committee:{OTHER}")
ORDER = ("--actor", "CB-1", *ROLES, "--document", "31/QĐ-UBND", "--on", "01/10/2022")


def run(*words: str) -> tuple[int, str, str]:
    done = RUNNER.invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def done(*words: str) -> Any:
    code, out, err = run(*words, "--json")
    assert code == 0, err + out
    return json.loads(out)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/try.db"
    engine = Rasoat.open(url, clock=FrozenClock(datetime(2022, 10, 1, 9, tzinfo=LEGAL_ZONE)), ids=CountingIds())
    known = {"name": "X", "valid_from": date(2000, 1, 1)}
    chain = [(None, "42"), ("42", "446"), ("446", "18766"), ("446", "18777"), ("18766", "01"), ("18766", "02")]
    levels = ("province", "district", "commune", "commune", "village", "village")
    pairs = zip(chain, levels, strict=True)
    engine.register_units([{"code": own, "parent": up, "level": level, **known} for (up, own), level in pairs])
    people = tuple(Person(name, "con", "1970-01-01", "male") for name in "ABC")
    engine.register_households([Household(f"18766-{i}", V1, people, "rural", "poor") for i in (1, 2)])
    engine.open_round("R", "annual", COMMUNE, date(2022, 9, 26))
    engine.put_forward("R", {"18766-1": {"origin": "managed"}}, date(2022, 9, 26))
    engine.close()
    return url


def test_a_round_tells_whom_it_left_out(url: str) -> None:
    assert done("round", "left-out", "R", "--db", url) == ["18766-2"]
    assert run("round", "left-out", "R", "--db", url)[1] == "18766-2\n"
    assert run("round", "left-out", "S", "--db", url)[0] == 2


def test_a_household_through_time(url: str) -> None:
    db = ("--db", url)
    made = done("household", "split", "18766-1", "18766-3", "--member", "2=chủ hộ", "--member", "3=con", *ORDER, *db)
    assert set(made["households"]) == {"18766-1", "18766-3"}
    assert len(made["followed"]) == 1
    done("household", "head", "18766-3", "2", "--member", "1=mẹ", *ORDER, *db)
    done("household", "move", "18766-3", V2, *ORDER, *db)
    done("household", "merge", "18766-2", "18766-3", *ORDER, *db)
    done("household", "area", "18766-3", "urban", *ORDER, *db)
    done("household", "recode", COMMUNE, "42/446/19999", *ORDER, *db)
    found = done("household", "lineage", "18766-2", *db)
    assert found["code"] == "19999-3"
    assert [line["kind"] for line in found["lineage"]] == ["split", "head", "moved", "merged", "area", "recoded"]
    assert [line["new_area"] for line in found["lineage"]] == ["rural"] * 4 + ["urban"] * 2
    code, out, _ = run("household", "lineage", "18766-3", *db, "--lang", "en")
    assert code == 0
    assert out.splitlines()[0] == "19999-3"
    assert "became part of 18766-3" in out
    code, out, _ = run("case", "show", "18766-1", *db)
    assert code == 0
    assert "Xã đổi mã" in out
    assert "Hộ tách" in out
    done("household", "area", "18766-1", "urban", *ORDER[:2], "--role", "committee:42/446/19999", *ORDER[6:], *db)
    assert "Sửa khu vực" in run("case", "show", "18766-1", *db)[1]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("split", "18766-1", "18766-3", "--member", "1=chủ hộ", *ORDER), 2),
        (("split", "18766-1", "18766-3", "--member", "two", *ORDER), 2),
        (("move", "18766-9", V2, *ORDER), 2),
        (("move", "18766-1", V2, "--actor", "x", "--role", "committee:43", "--document", "1"), 1),
    ],
)
def test_what_cannot_be_says_why(url: str, words: tuple[str, ...], code: int) -> None:
    found, out, err = run("household", *words, "--db", url)
    assert found == code
    assert err or out


def test_communes_merge_as_typed(url: str) -> None:
    db = ("--db", url)
    both = ("--commune", COMMUNE, "--commune", "42/446/18777")
    code, _, err = run("household", "merge-communes", "42/446/19999", *both[:2], *ORDER, *db)
    assert (code, "ít nhất hai xã" in err) == (2, True)
    village = ("--village", f"{V2}=42/446/19999/12")
    made = done("household", "merge-communes", "42/446/19999", *both, *village, "--name", "Xã Chung", *ORDER, *db)
    assert set(made["households"]) == {"19999-1", "19999-2"}
    assert done("household", "lineage", "18766-2", *db)["lineage"][0]["new_unit"].startswith("42/446/19999/")
