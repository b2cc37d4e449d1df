"""The public surface is a promise: what changes here is acknowledged in the changelog, then in this list."""

from __future__ import annotations

import inspect

import rasoat

SURFACE = {
    "SYSTEM",
    "ActRequest",
    "Actor",
    "AsyncRasoat",
    "CaseView",
    "Clock",
    "Correction",
    "CountingIds",
    "Database",
    "DueLine",
    "Duplicate",
    "Erased",
    "FrozenClock",
    "Household",
    "HouseholdChange",
    "HouseholdOrder",
    "IdSource",
    "Mandate",
    "Mode",
    "Moved",
    "OpeningCorrection",
    "Outcome",
    "PastCase",
    "Person",
    "Ran",
    "Rasoat",
    "RasoatError",
    "Reader",
    "Refusal",
    "Registered",
    "RoundOpened",
    "StateCount",
    "SystemClock",
    "Text",
    "TimeOrderedIds",
    "Tx",
    "Undo",
    "__version__",
}
ENGINE = {
    (
        "open(url=None, *, keys=None, create=True, schema=None, prefix='rasoat_', synchronous='FULL', read_url=None, "
        "**options)"
    ),
    "bind(database, *, keys, after_commit=None, **options)",
    "close(self)",
    "subscribe(self, subscriber)",
    "transaction(self, connection=None, *, briefly=False)",
    "register_units(self, units, *, connection=None)",
    "register_households(self, households, *, connection=None)",
    "open_round(self, code, procedure, unit_path, started_on, *, ends_on=None, plan=None, connection=None)",
    "put_forward(self, round_code, households, opened_on, *, actor='system', connection=None)",
    "fire(self, request, *, connection=None)",
    "fire_many(self, request, *, connection=None)",
    "case(self, reference)",
    "correct(self, order, *, connection=None)",
    "undo(self, order, *, connection=None)",
    "entry(self, reference, trigger=None)",
    "case_as_of(self, reference, as_of=None, known_on=None)",
    "cases_as_of(self, as_of=None, known_on=None, *, round_code=None, unit_path=None)",
    "states_as_of(self, as_of=None, known_on=None, *, round_code=None, unit_path=None)",
    "cases_of_round(self, round_code, *, unit_path=None, states=())",
    "left_out(self, round_code)",
    "overdue(self, *, unit_path=None, as_of=None, only=None)",
    "due_between(self, first, last, *, unit_path=None)",
    "states(self, round_code)",
    (
        "household(self, household_id, *, reader=Reader(actor='host', purpose='unstated', on_behalf_of=None), "
        "connection=None)"
    ),
    "find_by_identity(self, number)",
    "erase_household(self, code, *, reason, document, actor, on_behalf_of=None, connection=None)",
    "units(self)",
    "split_household(self, order, code, new_code, members, *, unit_path=None, connection=None)",
    "merge_households(self, order, code, into, relations={}, *, connection=None)",
    "change_head(self, order, code, head, relations={}, *, connection=None)",
    "move_household(self, order, code, unit_path, *, connection=None)",
    "recode_commune(self, order, old, new, *, connection=None)",
    "merge_communes(self, order, communes, new, *, villages={}, name='', connection=None)",
    "lineage(self, code)",
    (
        "migrate(self, plan, *, actor, answers={}, round_code=None, unit_path=None, dry_run=False, batch=500, "
        "max_batches=None)"
    ),
    "rehearse(self, round_code, *, workflow=None, calendar=None, settings=None)",
    "set_setting(self, key, value, *, workflow='', unit_path='', connection=None)",
    "unset_setting(self, key, *, workflow='', unit_path='', connection=None)",
    "settings(self)",
    "load_units(self, units, *, connection=None)",
    "outlooks(self, round_code=None)",
    "open_milestones(self, round_code, plan, *, connection=None)",
    "today(self)",
}


def signature(name: str) -> str:
    member = inspect.getattr_static(rasoat.Rasoat, name)
    function = member.__func__ if isinstance(member, classmethod) else member
    bare = inspect.signature(function)
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in bare.parameters.values() if p.name != "cls"]
    return name + str(bare.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def test_the_public_names_are_the_promised_ones() -> None:
    assert set(rasoat.__all__) == SURFACE
    for name in SURFACE:
        assert getattr(rasoat, name) is not None


def test_the_engine_keeps_the_calls_it_promised() -> None:
    assert {signature(call.split("(")[0]) for call in ENGINE} == ENGINE
