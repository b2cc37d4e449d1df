"""From outbox rows to alerts: nothing the engine queues is left without words, nothing is counted twice."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.deadlines.ladder import ladder
from rasoat.deadlines.releases import calendar
from rasoat.engine.breaches import ENTERED_LATE
from rasoat.engine.tidings import TOLD, Decided, breach_found, stalled, term_decided, tiding, what
from rasoat.foundation.clock import LEGAL_ZONE, end_of
from rasoat.foundation.messages import LANGUAGES, codes
from rasoat.notifications.composing import Composer
from rasoat.notifications.directory import resolve
from rasoat.notifications.directory_file import parse
from rasoat.notifications.kinds import DETAILS, KINDS
from rasoat.notifications.outbox_alerts import RAISED, Codes, Known, Names, read
from rasoat.notifications.rendering import render
from rasoat.persistence.deadlines import DeadlineRow
from tests.support.cases import library

if TYPE_CHECKING:
    from rasoat.engine.definition import DeadlineRule
    from rasoat.notifications.outbox_alerts import Reading
    from rasoat.persistence.outbox import OutboxRow

ROOT = Path(__file__).parents[3]
COMMUNE, VILLAGE = "42/446/18766", "42/446/18766/01"
NOW = datetime(2022, 10, 27, 8, tzinfo=LEGAL_ZONE)
DUE = date(2022, 10, 27)
UNITS = {"42": "Tỉnh Hà Tĩnh", "42/446": "Huyện Cẩm Xuyên", COMMUNE: "Xã Cẩm Duệ", VILLAGE: "Thôn 1"}
NAMES = Names(UNITS, lambda workflow_id: library().compiled(workflow_id).workflow)


def rule(key: str = "recheck") -> DeadlineRule:
    return library().compiled("annual@2022").workflow.deadline(key)


def deadline(number: int = 1, key: str = "recheck", **changes: Any) -> DeadlineRow:
    row = DeadlineRow(
        id=number, subject="case", subject_id=number, round_id=1, unit_path=VILLAGE, workflow="annual@2022", rule=key,
        kind="maximum", owner_role="committee", owner_path=COMMUNE, started_on=date(2022, 10, 18), length=7,
        unit="working_days", calendar="vn/2022", due_on=DUE, due_at=end_of(DUE), next_at=None, status="open",
        provisional=False, opened_seq=1, breached_at=None, closed_on=None, cause=None,
    )  # fmt: skip
    return row._replace(**changes)


def rung(step: int, number: int = 1, *, count: int = 3, role: str = "committee", severity: str = "urgent") -> OutboxRow:
    data = {**what(rule(), deadline(number), count), "step": step, "missed": False, "provisional": False}
    return tiding("deadline", severity, role, COMMUNE, VILLAGE, f"{step}:{number}", data, NOW)


def known(open_now: int = 100, **changes: Any) -> Known:
    terms = {(1, VILLAGE, "recheck", DUE): open_now} if open_now else {}
    return replace(Known(NAMES, DUE, lambda _: calendar(), terms, {(1, VILLAGE, "surveyed"): open_now}), **changes)


def counted(reading: Reading) -> list[tuple[str, int]]:
    return [(alert.rung, alert.count) for alert in reading.alerts]


def raised_kinds() -> dict[str, str]:
    """Every kind named where an outbox row is made, by the place of the call; a kind that is not spelled out fails."""
    found = {}
    for room in ("engine", "persistence", "workflows", "deadlines", "notifications", "web", "rasoat"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
                if called not in ("tiding", "OutboxRow"):
                    continue
                if called == "OutboxRow" and path.name in ("tidings.py", "outbox.py"):
                    continue  # where rows of a given kind are made, and where they are read back
                kind = node.args[0] if node.args else None
                if called == "OutboxRow" and isinstance(kind, ast.Starred):
                    continue  # a row read back
                assert isinstance(kind, ast.Constant), f"{path.name}:{node.lineno}: the kind must be spelled out"
                found[f"{path.relative_to(ROOT)}:{node.lineno}"] = str(kind.value)
    return found


def test_every_kind_that_anything_queues_is_read_and_has_its_message():
    found = raised_kinds()
    assert {"deadline", "breach", "act_waiting", "calendar_change", "delay_notice"} <= set(found.values())
    assert {place: kind for place, kind in found.items() if kind not in RAISED or kind not in KINDS} == {}
    assert set(RAISED) == set(DETAILS)
    templates = {entry.name.split(".")[0] for entry in (files("rasoat.notifications") / "templates").iterdir()}
    assert set(KINDS) <= templates


def test_every_decision_about_a_term_has_its_words_in_both_languages():
    """A new kind of decision must be told, or be named here as one that nobody need be told of."""
    named = {code.removeprefix("clock.kind.") for code in codes() if code.startswith("clock.kind.")}
    assert named == TOLD | {"met"}
    for kind in sorted(TOLD):
        (row,) = term_decided(kind, "15/CĐ-UBND", DUE, [Decided(rule(), deadline(n), DUE) for n in (1, 2)], NOW)
        (alert,) = read([row], known(0)).alerts
        assert (alert.role, alert.unit, alert.count) == ("committee", COMMUNE, 2)
        for language in LANGUAGES:
            shown = render("term_decision", language, {**_told(alert), **alert.details, "article": alert.article})
            assert "15/CĐ-UBND" in shown.text
            assert alert.step.within(language) in shown.title


def ladders() -> list[str]:
    text = (files("rasoat.deadlines") / "data" / "ladders.toml").read_text(encoding="utf-8")
    return [line.strip("[]") for line in text.splitlines() if line.startswith("[") and line.endswith("]")]


EVERY_RUNG = [(key, step) for key in ladders() for step in ladder(key).rungs]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("key", "step"), EVERY_RUNG, ids=[f"{key}{step.step:+d}" for key, step in EVERY_RUNG])
def test_every_rung_of_every_ladder_has_a_message(key, step, language):
    """Each rung's row, told on the rung's own day to whoever the rung names, gives a message of its own words."""
    day = step.day(DUE, calendar())
    data = {**what(rule(), deadline(), 3), "step": step.step, "missed": False, "provisional": False}
    role = "committee" if step.tell == "owner" else step.tell
    row = tiding("deadline", step.severity, role, COMMUNE, VILLAGE, "x", data, NOW)
    (alert,) = read([row], known()).alerts
    address = {"key": "p", "name": "P", "language": language, "addresses": {"email": "p@example.vn"}}
    staff = parse(
        {
            "person": [{**address, "routes": {"info": {"delivery": "immediate"}}}],
            "post": [{"person": "p", "role": role, "unit": COMMUNE}],
        }
    )
    at = datetime.combine(day, ladder(key).at, tzinfo=LEGAL_ZONE)
    (draft,) = Composer(staff, calendar()).compose([alert], at).drafts
    assert draft.message.data["days_left"] == -step.step
    assert draft.message.title != render("deadline", language, draft.message.data | {"days_left": 99}).title
    assert {"vi": "Thôn 1", "en": "Thôn 1"}[language] in draft.message.text
    assert alert.rung == f"T{step.step:+d}"


def test_missed_rungs_of_one_village_are_one_matter_told_once():
    """The households of the last rung are the same as those of the rung before."""
    reading = read([rung(-2, severity="info"), rung(-1, severity="warning"), rung(0)], known())
    assert len({alert.subject for alert in reading.alerts}) == 1
    assert counted(reading) == [("T-2", 3), ("T-1", 3), ("T+0", 3)]
    staff = parse(
        {
            "person": [{"key": "p", "name": "P", "addresses": {"email": "p@example.vn"}}],
            "post": [{"person": "p", "role": "committee", "unit": COMMUNE}],
        }
    )
    (draft,) = Composer(staff, calendar()).compose(reading.alerts[1:], NOW).drafts
    assert draft.message.data["count"] == 3
    assert [step for _, step in draft.covered] == ["T-1", "T+0"]


def test_cases_that_joined_later_add_up_at_the_same_rung():
    reading = read([rung(0, 1, count=3), rung(0, 9, count=5)], known())
    assert counted(reading) == [("T+0", 8)]
    assert {len(rows) for rows in reading.rows.values()} == {2}


def test_nobody_is_told_of_more_than_is_still_open():
    assert counted(read([rung(0, count=30)], known(4))) == [("T+0", 4)]


def test_a_reminder_of_what_was_done_meanwhile_is_moot():
    reading = read([row := rung(0)], known(0))
    assert (reading.alerts, reading.moot) == ((), (row.id,))


def test_a_breach_is_told_though_the_act_came_meanwhile():
    (breach, letter) = breach_found([(rule(), deadline())], NOW)
    reading = read([breach], known(0))
    assert [(alert.kind, alert.rung, alert.count) for alert in reading.alerts] == [("breach", "breach", 1)]
    assert [alert.over for alert in reading.alerts] == [True], "done since: not told as overdue"
    assert [alert.over for alert in read([breach], known(1)).alerts] == [False]
    assert letter.kind == "delay_notice"


def test_a_breach_toward_citizens_asks_the_commune_chair_for_letters_with_a_date_only_suggested():
    late = [(rule(), deadline(n)) for n in (1, 2)] + [(rule(), deadline(3, started_on=date(2022, 10, 17)))]
    rows = [row for row in breach_found(late, NOW) if row.kind == "delay_notice"]
    assert [(row.role, row.unit_path) for row in rows] == [("commune_chair", COMMUNE)] * 2
    alerts = read(rows, known(today=date(2022, 10, 28))).alerts
    assert [alert.count for alert in alerts] == [2, 1]
    first = alerts[0].details
    assert (first["received_on"], first["new_due_on"]) == ("2022-10-18", "2022-11-08")
    assert first["signer"]["vi"] == "Chủ tịch UBND cấp xã"
    text = render("delay_notice", "vi", {**first, **_told(alerts[0])}).text
    assert "Ngày hẹn lại chỉ là gợi ý" in text
    assert "thứ Ba, 08/11/2022" in text
    assert "Kính gửi: chủ hộ (theo danh sách 2 hộ)" in text
    assert "Lý do: bước “Phúc tra" in text


def test_a_breach_names_its_cause_where_it_is_known_and_so_does_the_letter():
    late = [(rule(), deadline(n)) for n in (1, 2, 3)]
    rows = breach_found(late, NOW, {1: "recheck", 2: "recheck"})
    assert [(row.kind, json.loads(row.data)["count"], json.loads(row.data)["cause"]) for row in rows] == [
        ("breach", 2, "recheck"), ("delay_notice", 2, "recheck"), ("breach", 1, None), ("delay_notice", 1, None)
    ]  # fmt: skip
    breach, letter, *_ = read(rows, known(0)).alerts
    assert breach.details["cause"]["vi"] == letter.details["reason"]["vi"] == "phải phúc tra sau khi có khiếu nại"
    strange = breach_found(late[:1], NOW, {1: "hosts_own"})
    assert read(strange[:1], known(0)).alerts[0].details["cause"] == {"vi": "hosts_own", "en": "hosts_own"}


def test_every_cause_a_shipped_procedure_knows_has_a_name():
    workflows = [library().compiled(key).workflow for key in library().ids()]
    causes = {cause for workflow in workflows for rule in workflow.deadlines for cause in rule.causes}
    assert causes
    assert {f"delivery.cause.{cause}" for cause in causes | {ENTERED_LATE}} <= codes()


def test_household_codes_are_of_those_a_message_is_about():
    term = (1, VILLAGE, "recheck", DUE)
    shown = Codes({term: ("H-1",)}, {term: ("H-2",)}, {(1, VILLAGE, "surveyed"): ("H-3",)}, {2: "H-4"})
    waiting = tiding("act_waiting", "info", "village_head", VILLAGE, VILLAGE, "x",
                     {"workflow": "annual@2022", "state": "surveyed", "count": 9, "round": "1"}, NOW)  # fmt: skip
    rows = [rung(0), *breach_found([(rule(), deadline(2))], NOW), waiting]
    told = {alert.kind: alert.households for alert in read(rows, known(codes=shown)).alerts}
    assert told == {
        "deadline": ("H-1",), "breach": ("H-2",), "delay_notice": ("H-4",), "act_waiting": ("H-3",)
    }  # fmt: skip


def _told(alert: Any) -> dict[str, Any]:
    told = {"step": alert.step._asdict(), "count": alert.count, "counting": alert.counting, "village": alert.village}
    shown = {"desk": alert.desk._asdict(), "households": list(alert.households), "households_more": 0}
    return {**told, **shown, "due_on": str(alert.due_on)}


def test_a_term_between_offices_needs_no_letter():
    row = deadline(key="opinion", owner_role="superior_chair", owner_path="42/446")
    assert [found.kind for found in breach_found([(rule("opinion"), row)], NOW)] == ["breach"]


def test_places_are_named_as_the_reader_needs_them():
    assert NAMES.place(VILLAGE, "committee", COMMUNE) == "Thôn 1"
    assert NAMES.place(VILLAGE, "superior_chair", "42/446") == "Thôn 1, Xã Cẩm Duệ"
    assert NAMES.place(VILLAGE, "superior_chair", "42") == "Thôn 1, Xã Cẩm Duệ, Huyện Cẩm Xuyên"
    assert NAMES.place(COMMUNE, "committee", COMMUNE) == "Xã Cẩm Duệ"
    assert NAMES.place("42/446/9", "committee", "42") == "42/446/9, Huyện Cẩm Xuyên"


def test_a_supervisor_is_told_one_name_of_a_place_at_every_level():
    """Or the rung told in the district and the one told in the province would count the same households twice."""
    places = {NAMES.place(VILLAGE, "supervisor", unit) for unit in (VILLAGE, COMMUNE, "42/446", "42")}
    assert places == {"Thôn 1, Xã Cẩm Duệ, Huyện Cẩm Xuyên"}


def test_what_waits_is_named_by_the_act_the_desk_can_do():
    data = {"workflow": "annual@2022", "state": "surveyed", "count": 9, "round": "1"}
    row = tiding("act_waiting", "info", "village_head", VILLAGE, VILLAGE, "x", data, NOW)
    (alert,) = read([row], known(4)).alerts
    assert (alert.step.vi, alert.count) == ("Họp dân thống nhất kết quả", 4)
    assert read([row], known(0)).moot == (row.id,)


def test_a_row_nobody_can_read_is_named_and_holds_up_no_other():
    broken = rung(0)._replace(id="broken", data="{")
    strange = rung(0)._replace(id="strange", kind="carrier_pigeon")
    reading = read([broken, strange, rung(0), stalled("dispatch", "supervisor", "42", "locked", NOW)], known())
    assert {alert.kind for alert in reading.alerts} == {"deadline", "job_stalled"}
    assert set(reading.faulty) == {"broken", "strange"}
    assert "carrier_pigeon" in reading.faulty["strange"]


def test_the_supervisor_is_found_by_the_office_above_every_desk():
    staff = parse(
        {
            "person": [{"key": "p", "name": "P", "addresses": {"email": "p@example.vn"}}],
            "post": [{"person": "p", "role": "supervisor", "unit": "42"}],
        }
    )
    assert [r.key for r in resolve(staff, "supervisor", VILLAGE, DUE).recipients] == ["p"]


@given(st.lists(st.tuples(st.sampled_from([-2, -1, 0, 1]), st.integers(1, 9), st.integers(1, 50)), max_size=12))
def test_every_row_is_told_or_moot_exactly_once_and_no_count_exceeds_what_is_open(drawn):
    rows = list({row.id: row for row in (rung(step, number, count=count) for step, number, count in drawn)}.values())
    reading = read(rows, known(40))
    behind = [row for ids in reading.rows.values() for row in ids]
    assert sorted([*behind, *reading.moot, *reading.faulty]) == sorted(row.id for row in rows)
    assert all(1 <= alert.count <= 40 for alert in reading.alerts)
    assert {(alert.subject, alert.rung) for alert in reading.alerts} == set(reading.rows)
