"""What a host makes and hands over: every field of it, made with what it must have and with all it may have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, assert_type

from rasoat import (
    Actor,
    ActRequest,
    Correction,
    Household,
    HouseholdOrder,
    Mandate,
    Mode,
    Only,
    OpeningCorrection,
    Order,
    Person,
    Reader,
    Supposition,
    Undo,
)


def act_request(value: ActRequest) -> None:
    assert_type(value.trigger, str)
    assert_type(value.case_ids, tuple[int, ...])
    assert_type(value.occurred_on, date)
    assert_type(value.actor, Actor)
    assert_type(value.body, Mapping[str, Any])
    assert_type(value.rows, Mapping[int, Mapping[str, Any]])
    assert_type(value.document, str | None)
    assert_type(value.mode, Mode)
    assert_type(value.idempotency_key, str | None)
    assert_type(
        [
            ActRequest(value.trigger, value.case_ids, value.occurred_on, value.actor),
            ActRequest(
                trigger=value.trigger,
                case_ids=value.case_ids,
                occurred_on=value.occurred_on,
                actor=value.actor,
                body=value.body,
                rows=value.rows,
                document=value.document,
                mode=value.mode,
                idempotency_key=value.idempotency_key,
            ),
        ],
        list[ActRequest],
    )


def actor(value: Actor) -> None:
    assert_type(value.key, str)
    assert_type(value.mandates, tuple[Mandate, ...])
    assert_type(value.on_behalf_of, str | None)
    assert_type(value.everywhere, frozenset[str])
    assert_type(value.mandate_for(("committee",), "42/446/18766", date(2022, 10, 3)), Mandate | None)
    assert_type(
        [
            Actor(value.key),
            Actor(key=value.key, mandates=value.mandates, on_behalf_of=value.on_behalf_of, everywhere=value.everywhere),
        ],
        list[Actor],
    )


def correction(value: Correction) -> None:
    assert_type(value.act_id, int)
    assert_type(value.actor, Actor)
    assert_type(value.decided_on, date)
    assert_type(value.authority, str)
    assert_type(value.reason, str)
    assert_type(value.body, Mapping[str, Any])
    assert_type(value.rows, Mapping[int, Mapping[str, Any]])
    assert_type(value.occurred_on, date | None)
    assert_type(value.document, str | None)
    assert_type(value.idempotency_key, str | None)
    assert_type(value.concerns_all, bool)
    assert_type(value.trigger, str)
    assert_type(
        [
            Correction(value.act_id, value.actor, value.decided_on, value.authority, value.reason),
            Correction(
                act_id=value.act_id,
                actor=value.actor,
                decided_on=value.decided_on,
                authority=value.authority,
                reason=value.reason,
                body=value.body,
                rows=value.rows,
                occurred_on=value.occurred_on,
                document=value.document,
                idempotency_key=value.idempotency_key,
            ),
        ],
        list[Correction],
    )


def household(value: Household) -> None:
    assert_type(value.code, str)
    assert_type(value.unit_path, str)
    assert_type(value.members, tuple[Person, ...])
    assert_type(value.area, str)
    assert_type(value.class_now, str)
    assert_type(
        [
            Household(value.code, value.unit_path, value.members, value.area),
            Household(
                code=value.code,
                unit_path=value.unit_path,
                members=value.members,
                area=value.area,
                class_now=value.class_now,
            ),
        ],
        list[Household],
    )


def household_order(value: HouseholdOrder) -> None:
    assert_type(value.actor, Actor)
    assert_type(value.on, date)
    assert_type(value.document, str)
    assert_type(value.idempotency_key, str | None)
    assert_type(
        [
            HouseholdOrder(value.actor, value.on, value.document),
            HouseholdOrder(
                actor=value.actor, on=value.on, document=value.document, idempotency_key=value.idempotency_key
            ),
        ],
        list[HouseholdOrder],
    )


def mandate(value: Mandate) -> None:
    assert_type(value.role, str)
    assert_type(value.unit_path, str)
    assert_type(value.valid_from, date | None)
    assert_type(value.valid_to, date | None)
    assert_type(value.covers("committee", "42/446/18766", date(2022, 10, 3)), bool)
    assert_type(
        [
            Mandate(value.role, value.unit_path),
            Mandate(role=value.role, unit_path=value.unit_path, valid_from=value.valid_from, valid_to=value.valid_to),
        ],
        list[Mandate],
    )


def only(value: Only) -> None:
    assert_type(value.role, str | None)
    assert_type(value.plan, str | None)
    assert_type(value.workflow, str | None)
    assert_type(value.rule, str | None)
    assert_type(value.round_id, int | None)
    assert_type(
        [
            Only(),
            Only(role=value.role, plan=value.plan, workflow=value.workflow, rule=value.rule, round_id=value.round_id),
        ],
        list[Only],
    )


def opening_correction(value: OpeningCorrection) -> None:
    assert_type(value.case_id, int)
    assert_type(value.actor, Actor)
    assert_type(value.decided_on, date)
    assert_type(value.authority, str)
    assert_type(value.reason, str)
    assert_type(value.facts, Mapping[str, Any])
    assert_type(value.class_before, str | None)
    assert_type(value.idempotency_key, str | None)
    assert_type(value.trigger, str)
    assert_type(
        [
            OpeningCorrection(value.case_id, value.actor, value.decided_on, value.authority, value.reason),
            OpeningCorrection(
                case_id=value.case_id,
                actor=value.actor,
                decided_on=value.decided_on,
                authority=value.authority,
                reason=value.reason,
                facts=value.facts,
                class_before=value.class_before,
                idempotency_key=value.idempotency_key,
            ),
        ],
        list[OpeningCorrection],
    )


def order(value: Order) -> None:
    assert_type(value.deadline_ids, tuple[int, ...])
    assert_type(value.occurred_on, date)
    assert_type(value.actor, Actor)
    assert_type(value.document, str)
    assert_type(value.reason, str)
    assert_type(value.idempotency_key, str | None)
    assert_type(
        [
            Order(value.deadline_ids, value.occurred_on, value.actor, value.document),
            Order(
                deadline_ids=value.deadline_ids,
                occurred_on=value.occurred_on,
                actor=value.actor,
                document=value.document,
                reason=value.reason,
                idempotency_key=value.idempotency_key,
            ),
        ],
        list[Order],
    )


def person(value: Person) -> None:
    assert_type(value.name, str)
    assert_type(value.relation, str)
    assert_type(value.born, str)
    assert_type(value.sex, str)
    assert_type(value.identity, str | None)
    assert_type(
        [
            Person(value.name, value.relation, value.born, value.sex),
            Person(name=value.name, relation=value.relation, born=value.born, sex=value.sex, identity=value.identity),
        ],
        list[Person],
    )


def reader(value: Reader) -> None:
    assert_type(value.actor, str)
    assert_type(value.purpose, str)
    assert_type(value.on_behalf_of, str | None)
    assert_type(
        [
            Reader(value.actor, value.purpose),
            Reader(actor=value.actor, purpose=value.purpose, on_behalf_of=value.on_behalf_of),
        ],
        list[Reader],
    )


def supposition(value: Supposition) -> None:
    assert_type(value.trigger, str)
    assert_type(value.unit_paths, tuple[str, ...])
    assert_type(value.on, date | None)
    assert_type(value.working_day, int | None)
    assert_type(value.households, int | None)
    assert_type(value.body, Mapping[str, Any])
    assert_type(value.row, Mapping[str, Any])
    assert_type(
        [
            Supposition(value.trigger, value.unit_paths),
            Supposition(
                trigger=value.trigger,
                unit_paths=value.unit_paths,
                on=value.on,
                working_day=value.working_day,
                households=value.households,
                body=value.body,
                row=value.row,
            ),
        ],
        list[Supposition],
    )


def undo(value: Undo) -> None:
    assert_type(value.act_id, int)
    assert_type(value.actor, Actor)
    assert_type(value.decided_on, date)
    assert_type(value.authority, str)
    assert_type(value.reason, str)
    assert_type(value.case_ids, tuple[int, ...])
    assert_type(value.idempotency_key, str | None)
    assert_type(value.trigger, str)
    assert_type(
        [
            Undo(value.act_id, value.actor, value.decided_on, value.authority, value.reason),
            Undo(
                act_id=value.act_id,
                actor=value.actor,
                decided_on=value.decided_on,
                authority=value.authority,
                reason=value.reason,
                case_ids=value.case_ids,
                idempotency_key=value.idempotency_key,
            ),
        ],
        list[Undo],
    )
