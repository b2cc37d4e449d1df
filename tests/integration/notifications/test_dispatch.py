"""From the outbox to the channel: composed once, sent under a lease, tried again, given up, never in a flood."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rasoat.engine.tidings import tiding
from rasoat.foundation.errors import ConflictError, InputError, NotFoundError
from rasoat.notifications import delivering, gathering, morning, operations
from rasoat.notifications.composing import Settings
from rasoat.notifications.directory_file import parse
from rasoat.notifications.dispatch import dispatch
from rasoat.notifications.model import PermanentFailure, Receipt, TemporaryFailure
from rasoat.notifications.morning import write_digests, write_summaries
from rasoat.notifications.retrying import BreakerPolicy, RateLimit, RetryPolicy
from rasoat.notifications.setup import Notify, Sending
from rasoat.notifying import notify_jobs
from rasoat.persistence.held import EVERYBODY, claim_day, waiting
from rasoat.persistence.outbox import claim_facts, enqueue
from rasoat.persistence.rounds import HouseholdRow, insert_households
from tests.support.clockwork import at, deadlines, work_at
from tests.support.post import attempts, facts, messages
from tests.support.reviews import BEATS, COMMUNE, DISTRICT, Beat, Review

if TYPE_CHECKING:
    from collections.abc import Iterator

VILLAGE = f"{COMMUNE}/01"
FRIDAY = date(2022, 10, 28)
DAY = timedelta(days=1)
PEOPLE = {
    "committee": ("committee", COMMUNE, {"email": "bcd@example.vn", "inbox": "bcd"}),
    "chair": ("commune_chair", COMMUNE, {"email": "ct@example.vn"}),
    "head": ("village_head", VILLAGE, {"email": "tt@example.vn"}),
    "watch": ("supervisor", DISTRICT, {"email": "gs@example.vn"}),
}
COMPLAINT = Beat("complain", date(2022, 10, 25), {"subject_code": "score"})


class Channel:
    """A channel that keeps what it is given and answers by `script`: an exception is raised, the last one repeated."""

    guarantee = "as told"

    def __init__(self, name: str, *script: Exception | None) -> None:
        self.name = name
        self.sent: list[Any] = []
        self.tried: list[Any] = []
        self.script = list(script) or [None]

    def send(self, message: Any) -> Receipt:
        self.tried.append(message)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if answer is not None:
            raise answer
        self.sent.append(message)
        return Receipt(message.id, "taken")


class Post:
    """A review whose messages go through channels of the test's own."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self.email, self.inbox = Channel("email"), Channel("inbox")
        self.notify = Notify(staff(), {"email": self.email, "inbox": self.inbox})

    @property
    def database(self) -> Any:
        return self.review.database

    def sending(self, **changes: Any) -> None:
        self.notify = replace(self.notify, sending=replace(Sending(), **changes))

    def dispatch(self, **options: Any) -> Any:
        return dispatch(self.database, self.review.engine, self.notify, chance=lambda: 0.5, **options)

    def queue(self, number: int = 1, *, role: str = "committee", severity: str = "urgent", path: str = COMMUNE) -> None:
        """Queue a word that no household stands behind."""
        now = self.review.clock.now()
        row = tiding("job_stalled", severity, role, path, path, f"n{number}", _stalled(number), now)
        with self.database.begin() as tx:
            enqueue(tx, [row])

    def statuses(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in messages(self.database):
            found.setdefault(row.status, []).append(row.channel)
        return found


def _stalled(number: int) -> dict[str, Any]:
    return {"job": f"job {number}", "last_success": None, "problem": "locked"}


def staff(**people: dict[str, Any]) -> Any:
    entries = [{"key": key, "name": key, "addresses": spec[2], **people.get(key, {})} for key, spec in PEOPLE.items()]
    posts = [{"person": key, "role": role, "unit": unit} for key, (role, unit, _) in PEOPLE.items()]
    return parse({"person": entries, "post": posts, "superiors": {"village_head": "committee"}})


@pytest.fixture
def post(database_url: str) -> Iterator[Post]:
    review = Review.start(database_url)
    yield Post(review)
    review.database.dispose()


@pytest.fixture
def complained(post: Post) -> Post:
    """Two households complained on 25/10; their re-check must be done by 03/11."""
    with post.database.begin() as tx:
        insert_households(tx, [_household(n) for n in (1_000_000, 1_000_001)])
    return _complained(post, villages=1, households=2)


@pytest.fixture
def complained_apart(post: Post) -> Post:
    """As `complained`, but the two live in different villages: two things to tell."""
    return _complained(post, villages=2, households=1)


def _complained(post: Post, **sizes: int) -> Post:
    review = post.review
    review.run([*BEATS[:4], COMPLAINT], review.open_round(1, **sizes))
    post.dispatch()
    post.email.sent.clear()
    assert {row.due_on for row in deadlines(review, "recheck")} == {date(2022, 11, 3)}
    return post


def _household(number: int) -> HouseholdRow:
    return HouseholdRow(
        number, f"H-{number}", VILLAGE, 4, "rural", "poor", b"", b"\0" * 8, "k", b"", None, None, FRIDAY, None
    )


def test_a_fact_reaches_each_channel_of_its_recipient_once_and_every_attempt_is_on_record(post):
    post.queue()
    done = post.dispatch()
    assert (done.gathered.messages, done.sent) == (2, 2)
    assert [m.recipient.key for m in (*post.email.sent, *post.inbox.sent)] == ["committee"] * 2
    assert post.dispatch() == type(done)()
    assert [(a.number, a.outcome, a.handle) for a in attempts(post.database)] == [
        (1, "sent", m.id) for m in sorted((*post.email.sent, *post.inbox.sent), key=lambda m: m.id)
    ]
    assert [fact.status for fact in facts(post.database)] == ["told"]


def test_what_is_sent_is_what_was_stored(post):
    post.queue()
    post.dispatch()
    stored = {row.id: row for row in messages(post.database)}
    for sent in (*post.email.sent, *post.inbox.sent):
        row = stored[sent.id]
        assert (sent.title, sent.text, sent.html, sent.data) == (row.title, row.text, row.html, json.loads(row.data))
        assert sent.recipient.addresses == {sent.channel: PEOPLE["committee"][2][sent.channel]}


def test_a_temporary_failure_is_tried_again_later_and_never_before(post):
    post.email.script = [TemporaryFailure("busy"), TemporaryFailure("busy", retry_after=timedelta(hours=3)), None]
    post.queue()
    assert (post.dispatch().failed, post.dispatch().failed) == (1, 0)
    post.review.clock.advance(timedelta(seconds=30))
    assert post.dispatch().failed == 1
    post.review.clock.advance(timedelta(hours=3) - timedelta(seconds=1))
    assert post.dispatch().sent == 0
    post.review.clock.advance(timedelta(seconds=1))
    assert post.dispatch().sent == 1
    ended = [a.outcome for a in attempts(post.database) if a.message_id == post.email.sent[0].id]
    assert ended == ["temporary", "temporary", "sent"]
    assert len({m.id for m in post.email.tried}) == 1


def test_a_message_that_never_gets_through_is_dead_and_listed(post):
    post.sending(retries=RetryPolicy(attempts=3))
    post.email.script = [TemporaryFailure("busy")]
    post.queue()
    for _ in range(5):
        post.dispatch()
        post.review.clock.advance(DAY)
    assert len(post.email.tried) == 3
    assert post.statuses() == {"dead": ["email"], "sent": ["inbox"]}
    assert [row.problem for row in messages(post.database) if row.status == "dead"] == ["busy"]


def test_a_permanent_failure_is_not_repeated_but_the_counterparts_own_trouble_is(post):
    post.email.script = [PermanentFailure("no such mailbox")]
    post.queue(1)
    post.dispatch()
    post.email.script = [PermanentFailure("wrong password", endpoint=True)]
    post.queue(2)
    post.dispatch()
    assert sorted(row.status for row in messages(post.database) if row.channel == "email") == ["dead", "queued"]


def test_an_error_no_channel_foresaw_is_an_attempt_like_any_other(post):
    post.email.script = [ZeroDivisionError("a bug"), None]
    post.queue()
    assert post.dispatch().failed == 1
    assert "ZeroDivisionError" in next(a.detail for a in attempts(post.database) if a.outcome == "temporary")
    post.review.clock.advance(DAY)
    assert post.dispatch().sent == 1


def test_a_channel_that_is_not_set_up_lets_its_message_die_with_the_reason(post):
    post.notify = replace(post.notify, channels={"email": post.email})
    post.queue()
    post.dispatch()
    (dead,) = (row for row in messages(post.database) if row.status == "dead")
    assert "no channel 'inbox'" in (dead.problem or "")


def test_an_endpoint_that_is_down_is_left_alone_then_probed_by_one(post):
    post.sending(breaker=BreakerPolicy(failures=2, rest=timedelta(minutes=2)), rate=RateLimit(burst=100))
    post.notify = replace(post.notify, settings=Settings(burst=50))
    post.email.script = [TemporaryFailure("down", endpoint=True)]
    for number in range(10):
        post.queue(number)
    post.dispatch()
    assert len(post.email.tried) == 2
    assert len(post.inbox.sent) == 10
    post.review.clock.advance(timedelta(minutes=2))
    post.dispatch()
    assert len(post.email.tried) == 3
    post.email.script = [None]
    post.review.clock.advance(timedelta(minutes=3))
    post.dispatch()
    post.review.clock.advance(timedelta(minutes=30))
    post.dispatch()
    assert len(post.email.sent) == 10
    assert len({m.id for m in post.email.sent}) == 10


def test_a_recipient_gets_no_more_than_the_rate_allows_and_the_rest_later(post):
    post.sending(rate=RateLimit(burst=3, period=timedelta(hours=1)))
    post.notify = replace(post.notify, settings=Settings(burst=50))
    for number in range(8):
        post.queue(number)
    post.dispatch()
    assert (len(post.email.sent), len(post.inbox.sent)) == (3, 3)
    post.queue(99, role="village_head", path=VILLAGE)
    post.dispatch()
    assert [m.recipient.key for m in post.email.sent[3:]] == ["head"]
    for _ in range(5):
        post.review.clock.advance(timedelta(minutes=20))
        post.dispatch()
    assert len(post.email.sent) == 9
    assert {a.outcome for a in attempts(post.database)} == {"sent"}


def test_more_than_a_handful_at_once_is_one_list(post):
    for number in range(30):
        post.queue(number)
    post.dispatch()
    (message,) = post.email.sent
    assert message.kind == "digest"
    assert "30 thay đổi" in message.title
    shown = _shown(post, message.id)
    assert len(shown.facts) == 30


def _shown(post: Post, reference: str) -> Any:
    with post.database.read() as tx:
        return operations.show(tx, reference)


def test_after_a_downtime_one_message_tells_the_last_rung_and_keeps_every_rung_on_record(complained):
    post = complained
    work_at(post.review, at(date(2022, 11, 4), 8))
    post.dispatch()
    to_committee = [m for m in post.email.sent if m.recipient.key == "committee"]
    assert [(m.kind, m.data["count"]) for m in to_committee] == [("breach", 2)]
    assert {f.kind for f in facts(post.database) if f.status == "queued"} == set()
    behind = _shown(post, to_committee[0].id).facts
    assert [json.loads(fact.data)["step"] for fact in behind if fact.kind == "deadline"] == [-1, 0]
    assert [fact.kind for fact in behind if fact.kind != "deadline"] == ["breach"]
    held = [json.loads(fact.data).get("step") for fact in facts(post.database) if fact.kind == "deadline"]
    assert sorted(held) == [-2, -1, 0, 1]


def test_a_reminder_is_not_sent_once_the_work_is_done(complained):
    post = complained
    work_at(post.review, at(date(2022, 11, 2), 8))
    again = Beat("survey", date(2022, 11, 1), row=lambda i: BEATS[1].row(i) | {"surveyor": "rsv2"})
    ids = [row.subject_id for row in deadlines(post.review, "recheck")]
    post.review.run([again, Beat("meet", date(2022, 11, 2), BEATS[2].body)], ids)
    post.review.run([Beat("post", date(2022, 11, 2), BEATS[3].body)], ids)
    post.dispatch()
    assert [m.kind for m in post.email.sent if m.kind == "deadline"] == []
    assert {f.status for f in facts(post.database) if f.kind == "deadline"} == {"moot"}


def test_an_office_nobody_holds_is_on_record_and_the_supervisor_learns_of_it_once(post):
    post.queue(1, role="enumerator")
    post.queue(2, role="enumerator")
    post.dispatch()
    assert [f.status for f in facts(post.database) if f.role == "enumerator"] == ["unreachable"] * 2
    (message,) = post.email.sent
    assert (message.kind, message.recipient.key, message.data["count"]) == ("unreachable", "watch", 2)
    assert "enumerator" in message.text


def test_with_no_supervisor_either_it_is_on_record_and_the_sender_does_not_run_in_circles(post):
    post.notify = replace(post.notify, directory=parse({}))
    post.queue(1)
    post.dispatch()
    assert sorted((f.kind, f.status) for f in facts(post.database)) == [
        ("job_stalled", "unreachable"),
        ("unreachable", "unreachable"),
    ]


def test_a_fact_no_message_can_be_written_of_is_dead_and_holds_up_no_other(post, monkeypatch):
    real = gathering.Composer.compose

    def choosy(self, alerts, when, earlier):
        given = list(alerts)
        if any(alert.details.get("job") == "job 3" for alert in given):
            msg = "not this one"
            raise InputError(msg)
        return real(self, given, when, earlier)

    monkeypatch.setattr(gathering.Composer, "compose", choosy)
    for number in range(5):
        post.queue(number)
    post.dispatch()
    assert sorted(f.status for f in facts(post.database)) == ["dead", *["told"] * 4]
    assert [f.problem for f in facts(post.database) if f.status == "dead"] == ["not this one"]
    told = {m.data.get("job") for m in post.email.sent}
    assert told == {"job 0", "job 1", "job 2", "job 4"}


def test_a_composer_that_was_overtaken_keeps_nothing(post, monkeypatch):
    """Its lease ran out while it composed; another took the rows."""
    post.queue()
    real = gathering.read

    def slow(rows, known):
        post.review.clock.advance(timedelta(hours=1))
        with post.database.begin() as tx:
            assert len(claim_facts(tx, post.review.clock.now(), post.review.clock.now() + DAY, 10)) == 1
        return real(rows, known)

    monkeypatch.setattr(gathering, "read", slow)
    assert gathering.gather(post.database, post.review.engine, post.notify).messages == 0
    assert messages(post.database) == []
    monkeypatch.undo()
    post.review.clock.advance(2 * DAY)
    assert post.dispatch().sent == 2


def test_two_composers_never_take_the_same_row(post):
    for number in range(4):
        post.queue(number)
    now = post.review.clock.now()
    with post.database.begin() as tx:
        first = claim_facts(tx, now, now + DAY, 2)
    with post.database.begin() as tx:
        second = claim_facts(tx, now, now + DAY, 10)
    assert (len(first), len(second)) == (2, 2)
    assert {row.id for row in first}.isdisjoint(row.id for row in second)


def test_a_message_a_sender_holds_is_not_sent_by_another(post):
    post.notify = replace(post.notify, directory=staff(committee={"channels": ["email"]}))
    post.queue()
    inner, meanwhile = post.email.send, []

    def slow(message):
        post.email.send = inner
        post.review.clock.advance(timedelta(minutes=4))
        meanwhile.append(post.dispatch())
        return inner(message)

    post.email.send = slow
    assert post.dispatch().sent == 1
    assert [one.sent for one in meanwhile] == [0]
    assert len(post.email.sent) == 1


@pytest.mark.parametrize("failure", [PermanentFailure("refused"), TemporaryFailure("timed out")])
def test_a_slow_sender_whose_lease_ran_out_does_not_undo_anothers_success(post, failure):
    post.notify = replace(
        post.notify, channels={"email": post.email}, directory=staff(committee={"channels": ["email"]})
    )
    post.queue()
    inner = post.email.send

    def slow(message):
        post.email.send = inner
        post.review.clock.advance(timedelta(hours=1))
        assert post.dispatch().sent == 1
        raise failure

    post.email.send = slow
    post.dispatch()
    assert post.statuses() == {"sent": ["email"]}
    assert [(a.number, a.outcome) for a in attempts(post.database)] == [
        (1, failure.code.removeprefix("delivery_")),
        (2, "sent"),
    ]


def test_a_message_every_sender_of_which_died_is_given_up_in_the_end(post):
    post.sending(retries=RetryPolicy(attempts=2))
    post.queue(1, role="village_head", path=VILLAGE)

    def deadly(_message):
        raise KeyboardInterrupt

    post.email.send = deadly
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            post.dispatch()
        post.review.clock.advance(DAY)
    assert post.dispatch().sent == 0
    assert post.statuses() == {"dead": ["email"]}
    assert [(a.number, a.outcome) for a in attempts(post.database)] == [(1, None), (2, None)]


def test_quiet_hours_hold_a_message_back_until_they_end(post):
    quiet = {"from": time(20), "until": time(6, 30)}
    post.notify = replace(post.notify, directory=staff(committee={"quiet": quiet}))
    post.review.clock.move_to(at(FRIDAY, 22))
    post.queue()
    assert post.dispatch().sent == 0
    post.review.clock.move_to(at(FRIDAY + DAY, 6, 30))
    assert post.dispatch().sent == 2


def test_what_quiet_hours_held_back_is_told_as_it_is_when_they_end(complained):
    """One of two households is done overnight; the message of the morning counts one, and the days of the morning."""
    post = complained
    quiet = {"from": time(7), "until": time(6, 30)}
    post.notify = replace(post.notify, directory=staff(committee={"quiet": quiet}, watch={"quiet": quiet}))
    work_at(post.review, at(date(2022, 11, 2), 8))
    done = post.dispatch()
    assert (done.sent, done.gathered.put_off) == (0, 1)
    first = deadlines(post.review, "recheck")[0].subject_id
    again = Beat("survey", date(2022, 11, 1), row=lambda i: BEATS[1].row(i) | {"surveyor": "rsv2"})
    post.review.run([again, Beat("meet", date(2022, 11, 2), BEATS[2].body)], [first])
    post.review.run([Beat("post", date(2022, 11, 2), BEATS[3].body)], [first])
    post.review.clock.move_to(at(date(2022, 11, 3), 6, 30))
    post.dispatch()
    (message,) = (m for m in post.email.sent if m.kind == "deadline")
    assert (message.data["count"], message.data["days_left"]) == (1, 0)
    assert "tính đến 06:30 ngày thứ Năm, 03/11/2022" in message.text


@pytest.mark.parametrize("shown", [False, True])
def test_household_codes_are_in_messages_if_and_only_if_the_setting_says_so(complained, shown):
    post = complained
    post.notify = replace(post.notify, settings=replace(post.notify.settings, show_household_codes=shown, most_codes=1))
    work_at(post.review, at(date(2022, 11, 4), 8))
    post.dispatch()
    sent = {m.kind: m for m in post.email.sent}
    assert {"deadline", "breach", "delay_notice"} <= set(sent)
    for kind in ("deadline", "breach", "delay_notice"):
        assert ("H-1000000" in sent[kind].text) is shown
        assert sent[kind].data["households_more"] == int(shown)
    assert ("chủ hộ có mã hộ H-1000000" in sent["delay_notice"].text) is shown


# --- digests ------------------------------------------------------------------------------------


def test_the_digest_tells_each_recipient_of_the_own_desks_and_what_was_kept_back_once(complained):
    post = complained
    morning = at(date(2022, 11, 1), 8)
    work_at(post.review, morning)
    post.dispatch()
    post.email.sent.clear()
    assert write_digests(post.database, post.review.engine, post.notify) == 3
    assert write_digests(post.database, post.review.engine, post.notify) == 0
    post.dispatch()
    found = {m.recipient.key: m for m in post.email.sent}
    assert set(found) == {"committee", "watch"}
    (section,) = found["committee"].data["sections"]
    assert (section["name"], section["count"]) == ("soon", 2)
    assert section["items"][0]["village"] == VILLAGE
    with post.database.read() as tx:
        assert waiting(tx) == []
    told = _shown(post, found["committee"].id).facts
    assert "deadline" in {fact.kind for fact in told}


def test_a_catch_up_does_not_tell_again_what_the_mornings_digest_told(complained_apart):
    post = complained_apart
    post.notify = replace(post.notify, settings=replace(post.notify.settings, burst=1))
    work_at(post.review, at(date(2022, 11, 4), 7, 30))
    write_digests(post.database, post.review.engine, post.notify)
    post.dispatch()
    (list_,) = (m for m in post.email.sent if m.recipient.key == "committee")
    assert [(s["name"], s["count"]) for s in list_.data["sections"]] == [("overdue", 2)]
    assert {fact.kind for fact in _shown(post, list_.id).facts} == {"deadline", "breach"}
    assert {f.status for f in facts(post.database)} <= {"told", "moot"}


def test_a_digest_does_not_tell_again_what_a_catch_up_of_the_same_day_told(complained_apart):
    post = complained_apart
    post.notify = replace(post.notify, settings=replace(post.notify.settings, burst=1))
    work_at(post.review, at(date(2022, 11, 4), 6))
    post.dispatch()
    (list_,) = (m for m in post.email.sent if m.recipient.key == "committee")
    assert list_.data["catch_up"]
    assert [(s["name"], s["count"]) for s in list_.data["sections"]] == [("overdue", 2)]
    post.email.sent.clear()
    work_at(post.review, at(date(2022, 11, 4), 7, 30))
    write_digests(post.database, post.review.engine, post.notify)
    post.dispatch()
    assert [m for m in post.email.sent if m.recipient.key == "committee" and m.kind == "digest"] == []
    post.review.clock.move_to(at(date(2022, 11, 7), 7, 30))
    write_digests(post.database, post.review.engine, post.notify)
    post.dispatch()
    assert [m.data["left_out"] for m in post.email.sent if m.recipient.key == "committee" and m.kind == "digest"] == [0]


def test_no_digest_without_content_none_on_a_day_off_none_before_its_hour(complained):
    post = complained
    engine = post.review.engine
    post.review.clock.move_to(at(date(2022, 10, 29), 9))
    assert write_digests(post.database, engine, post.notify) == 0
    post.review.clock.move_to(at(date(2022, 11, 1), 7, 29))
    assert write_digests(post.database, engine, post.notify) == 0
    with post.database.begin() as tx:
        d = tx.tables.deadline
        tx.execute(d.update().values(due_on=date(2022, 12, 1)))
        tx.execute(tx.tables.held_notice.delete())
    post.review.clock.move_to(at(date(2022, 11, 1), 9))
    assert write_digests(post.database, engine, post.notify) == 0


def test_a_second_worker_writes_only_the_digests_the_first_did_not(complained, monkeypatch):
    """The first is cut off after one recipient."""
    post = complained
    work_at(post.review, at(date(2022, 11, 2), 8))
    post.dispatch()
    real, kept = morning._keep, []

    def one_only(*args):
        if kept:
            raise KeyboardInterrupt
        kept.append(real(*args))
        return kept[0]

    monkeypatch.setattr(morning, "_keep", one_only)
    with pytest.raises(KeyboardInterrupt):
        write_digests(post.database, post.review.engine, post.notify)
    monkeypatch.undo()
    rest = write_digests(post.database, post.review.engine, post.notify)
    digests = [row for row in messages(post.database) if row.kind == "digest"]
    assert kept[0] + rest == len(digests) == 3
    assert len({(row.recipient, row.channel) for row in digests}) == 3


def test_what_was_kept_for_somebody_who_left_is_told_to_the_successor(post):
    post.queue(1, severity="info")
    assert post.dispatch().gathered.held == 1
    entries = {"key": "new", "name": "new", "addresses": {"email": "moi@example.vn"}}
    heirs = parse({"person": [entries], "post": [{"person": "new", "role": "committee", "unit": COMMUNE}]})
    post.notify = replace(post.notify, directory=heirs)
    post.review.clock.move_to(at(FRIDAY))
    assert write_digests(post.database, post.review.engine, post.notify) == 1
    post.dispatch()
    assert [m.recipient.key for m in post.email.sent] == ["new"]


def test_the_weekly_summary_goes_to_those_who_oversee_on_the_first_working_day_once(complained):
    post = complained
    work_at(post.review, at(date(2022, 11, 6)))
    with post.database.begin() as tx:
        claim_day(tx, "weekly_summary", EVERYBODY, date(2022, 10, 31), post.review.clock.now())
    assert write_summaries(post.database, post.review.engine, post.notify) == 0
    post.review.clock.move_to(at(date(2022, 11, 7), 7, 59))
    assert write_summaries(post.database, post.review.engine, post.notify) == 0
    post.review.clock.move_to(at(date(2022, 11, 7), 8))
    assert write_summaries(post.database, post.review.engine, post.notify) == 3
    assert write_summaries(post.database, post.review.engine, post.notify) == 0
    rows = {row.recipient: json.loads(row.data) for row in messages(post.database) if row.kind == "weekly_summary"}
    assert {key: data["units"] for key, data in rows.items()} == {
        "committee": [{"name": VILLAGE, "due": 2, "on_time": 0, "overdue": 2}],
        "watch": [{"name": COMMUNE, "due": 2, "on_time": 0, "overdue": 2}],
    }


def test_weeks_without_a_sender_are_caught_up_in_one_summary(complained):
    post = complained
    with post.database.begin() as tx:
        claim_day(tx, "weekly_summary", EVERYBODY, date(2022, 10, 31), post.review.clock.now())
    work_at(post.review, at(date(2022, 11, 23)))
    assert write_summaries(post.database, post.review.engine, post.notify) == 3
    assert write_summaries(post.database, post.review.engine, post.notify) == 0
    told = next(row for row in messages(post.database) if row.kind == "weekly_summary" and row.recipient == "watch")
    data = json.loads(told.data)
    assert (data["first"], data["last"], data["weeks"]) == ("2022-10-31", "2022-11-20", 3)
    assert data["units"] == [{"name": COMMUNE, "due": 2, "on_time": 0, "overdue": 2}]
    assert told.title.startswith("Tổng hợp 3 tuần 31/10/2022 – 20/11/2022")
    post.review.clock.move_to(at(date(2022, 11, 28)))
    assert write_summaries(post.database, post.review.engine, post.notify) == 3
    assert {json.loads(row.data)["first"] for row in messages(post.database) if row.kind == "weekly_summary"} == {
        "2022-10-31", "2022-11-21",
    }  # fmt: skip


# --- the delay notice ---------------------------------------------------------------------------


def test_a_breach_toward_citizens_puts_a_letter_before_the_commune_chair_and_nothing_before_the_citizen(complained):
    post = complained
    work_at(post.review, at(date(2022, 11, 4), 8))
    post.dispatch()
    (letter,) = (m for m in post.email.sent if m.kind == "delay_notice")
    assert (letter.recipient.key, letter.data["count"]) == ("chair", 2)
    assert letter.data["new_due_on"] == "2022-11-15"
    assert {m.recipient.key for m in post.email.sent} == {"committee", "chair", "watch"}
    fact = next(f for f in facts(post.database) if f.kind == "delay_notice")
    pages = operations.letters(post.database, post.review.engine, fact.id, "vi")
    assert [f"H-{n}" in page.text for n, page in zip((1_000_000, 1_000_001), pages, strict=True)] == [True, True]
    assert all("Kính gửi: chủ hộ có mã hộ H-" in page.text for page in pages)
    assert all("PHIẾU XIN LỖI VÀ HẸN LẠI NGÀY TRẢ KẾT QUẢ" in page.text for page in pages)
    breach = next(f for f in facts(post.database) if f.kind == "breach")
    with pytest.raises(InputError, match="asks for no letter"):
        operations.letters(post.database, post.review.engine, breach.id, "vi")


# --- operations ---------------------------------------------------------------------------------


def test_a_dead_message_goes_out_again_to_the_address_the_directory_has_by_now(post):
    post.email.script = [PermanentFailure("no such mailbox"), None]
    post.queue()
    post.dispatch()
    (dead,) = (row for row in messages(post.database) if row.status == "dead")
    post.notify = replace(post.notify, directory=staff(committee={"addresses": {"email": "moi@example.vn"}}))
    assert operations.retry(post.database, post.review.engine, post.notify, dead.id[:8]) == dead.id
    post.dispatch()
    assert [(m.id, m.address) for m in post.email.sent] == [(dead.id, "moi@example.vn")]
    with pytest.raises(InputError, match="nothing to send again"):
        operations.retry(post.database, post.review.engine, post.notify, dead.id)


def test_failures_before_a_retry_by_hand_are_forgiven_but_stay_on_record(post):
    post.sending(retries=RetryPolicy(attempts=2))
    post.email.script = [TemporaryFailure("busy")]
    post.queue(1, role="village_head", path=VILLAGE)
    for _ in range(2):
        post.dispatch()
        post.review.clock.advance(DAY)
    (dead,) = messages(post.database)
    operations.retry(post.database, post.review.engine, None, dead.id)
    post.dispatch()
    assert post.statuses() == {"queued": ["email"]}
    assert [a.number for a in attempts(post.database)] == [1, 2, 3]


def test_an_untold_fact_is_told_once_the_directory_is_complete(post):
    complete = post.notify
    post.notify = replace(post.notify, directory=parse({}))
    post.queue()
    post.dispatch()
    lost = next(f for f in facts(post.database) if f.kind == "job_stalled")
    post.notify = complete
    operations.retry(post.database, post.review.engine, post.notify, lost.id)
    post.dispatch()
    assert [m.recipient.key for m in post.email.sent] == ["committee"]


def test_what_is_discarded_does_not_go_out_and_what_went_out_is_not_discarded(post):
    post.email.script = [TemporaryFailure("busy")]
    post.queue()
    post.dispatch()
    (waiting_message,) = (row for row in messages(post.database) if row.status == "queued")
    operations.discard(post.database, post.review.engine, waiting_message.id)
    post.review.clock.advance(DAY)
    assert post.dispatch().sent == 0
    (sent,) = (row for row in messages(post.database) if row.status == "sent")
    for reference in (sent.id, waiting_message.id):
        with pytest.raises(InputError, match="nothing to discard"):
            operations.discard(post.database, post.review.engine, reference)
    post.queue(2)
    fact = next(f for f in facts(post.database) if f.status == "queued")
    operations.discard(post.database, post.review.engine, fact.id)
    assert post.dispatch().gathered.rows == 0


def test_an_unknown_or_ambiguous_reference_is_refused(post):
    for number in range(40):
        post.queue(number)
    with pytest.raises(NotFoundError, match="zzz"):
        _shown(post, "zzz")
    with pytest.raises(NotFoundError):
        _shown(post, "")
    beginnings = [f.id[0] for f in facts(post.database)]
    twice = next(b for b in beginnings if beginnings.count(b) > 1)
    with pytest.raises(InputError, match="several ids"):
        _shown(post, twice)


def test_metrics_count_what_waits_and_say_how_old_it_is(post):
    post.email.script = [PermanentFailure("no"), TemporaryFailure("busy")]
    first = post.review.clock.now()
    post.queue(1)
    post.dispatch()
    post.review.clock.advance(timedelta(hours=1))
    post.queue(2)
    post.dispatch()
    post.queue(3, severity="info")
    post.dispatch()
    post.queue(4)
    with post.database.read() as tx:
        found = operations.metrics(tx)
    assert (found.queued, found.sent, found.failed, found.discarded) == (1, 2, 1, 0)
    assert (found.facts_queued, found.facts_untold, found.held) == (1, 0, 1)
    assert found.oldest_unsent == first + timedelta(hours=1)


def test_retention_never_deletes_what_was_not_delivered(post):
    post.email.script = [PermanentFailure("no"), None, TemporaryFailure("busy")]
    for number in range(3):
        post.queue(number)
        post.dispatch()
    post.queue(8, severity="info")
    post.queue(9, role="enumerator")
    post.dispatch()
    post.queue(10)
    post.review.clock.advance(400 * DAY)
    gone = operations.forget(post.database, post.review.engine, 30 * DAY)
    left = messages(post.database)
    assert {row.status for row in left} == {"dead", "queued"}
    assert gone.messages == 4
    kept = {f.status for f in facts(post.database)}
    assert {"unreachable", "queued", "told"} <= kept
    for row in left:
        assert _shown(post, row.id).facts
    assert {a.message_id for a in attempts(post.database)} <= {row.id for row in left}


def test_retention_leaves_what_is_young(post):
    post.queue()
    post.dispatch()
    post.review.clock.advance(29 * DAY)
    assert operations.forget(post.database, post.review.engine, 30 * DAY) == (0, 0, 0)
    post.review.clock.advance(2 * DAY)
    assert operations.forget(post.database, post.review.engine, 30 * DAY) == (2, 1, 0)


def test_retention_goes_on_in_small_steps_stops_when_told_and_leaves_what_is_append_only(complained, monkeypatch):
    post = complained
    monkeypatch.setattr(operations, "_AT_ONCE", 1)
    work_at(post.review, at(date(2022, 11, 4), 8))
    post.dispatch()
    post.review.clock.advance(400 * DAY)
    kept = ("event", "deadline_entry", "rung", "act", "deadline")
    before = {name: _rows(post, name) for name in kept}
    assert operations.forget(post.database, post.review.engine, 30 * DAY, stop=lambda: True) == (0, 0, 0)
    count = len(messages(post.database))
    gone = operations.forget(post.database, post.review.engine, 30 * DAY)
    assert gone.messages == count > 3
    assert messages(post.database) == []
    assert {name: _rows(post, name) for name in kept} == before
    assert all(before.values())


def _rows(post: Post, name: str) -> int:
    with post.database.read() as tx:
        return len(list(tx.select(getattr(tx.tables, name).select())))


def test_the_worker_forgets_only_where_the_settings_say_after_how_long():
    assert [job.name for job in notify_jobs(Notify(staff(), {}))] == ["digest", "dispatch"]
    keeping = Notify(staff(), {}, retention=400 * DAY)
    assert [job.name for job in notify_jobs(keeping)] == ["digest", "dispatch", "retention"]
    with pytest.raises(InputError, match="at least 30 days"):
        Notify(staff(), {}, retention=DAY)


def test_a_channel_is_tried_by_hand_and_the_attempt_is_on_record(post):
    to = post.notify.directory.recipient("head")
    found, attempt = operations.try_channel(post.database, post.review.engine, post.notify, "email", to, lambda: 0.5)
    assert (attempt.outcome, [m.id for m in post.email.sent]) == ("sent", [found])
    with pytest.raises(InputError, match="no channel 'fax'"):
        operations.try_channel(post.database, post.review.engine, post.notify, "fax", to, lambda: 0.5)
    with pytest.raises(NotFoundError, match="nobody"):
        post.notify.directory.recipient("nobody")


def test_senders_at_work_at_once_share_the_messages_and_repeat_none(post):
    post.sending(rate=RateLimit(burst=1000))
    post.notify = replace(post.notify, settings=Settings(burst=1000))
    for number in range(30):
        post.queue(number)
    with ThreadPoolExecutor(3) as senders:
        done = [future.result() for future in [senders.submit(post.dispatch) for _ in range(3)]]
    assert sum(one.sent for one in done) == 60
    assert len({m.id for m in (*post.email.tried, *post.inbox.tried)}) == 60
    assert len(post.email.tried) + len(post.inbox.tried) == 60
    assert {(a.number, a.outcome) for a in attempts(post.database)} == {(1, "sent")}


def test_conflicts_while_recording_do_not_send_again(post, monkeypatch):
    real, refused = delivering.end_attempt, []

    def contended(tx, attempt):
        if len(refused) < 3:
            refused.append(attempt)
            msg = "another writer"
            raise ConflictError(msg)
        real(tx, attempt)

    monkeypatch.setattr(delivering, "end_attempt", contended)
    post.queue()
    assert post.dispatch().sent == 2
    assert len(post.email.tried) == 1
