"""Every call of the engine, with what it must be given and with all it may be; and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import assert_type

from surface_given import (
    after_commit,
    calendar,
    calendar_for,
    change,
    clock,
    connection,
    correction,
    database,
    day,
    folder,
    household,
    ids,
    keys,
    library,
    migration,
    number,
    observer,
    only,
    order,
    plan,
    reader,
    request,
    session,
    subscriber,
    supposition,
    text,
    undo,
    units,
)

from rasoat import (
    By,
    CaseView,
    Database,
    DeadlineView,
    DueLine,
    Erased,
    Household,
    HouseholdChange,
    KeyProvider,
    LineageRow,
    MigrationReport,
    Outcome,
    PastCase,
    Punctuality,
    Ran,
    Rasoat,
    Recalendared,
    Registered,
    Rehearsal,
    RoundOpened,
    RoundOutlook,
    RoundRow,
    Ruling,
    StateCount,
    StoredSetting,
    Tx,
    UnitRow,
    WhatIf,
)
from rasoat.persistence.vault import Vault


def opening() -> None:
    assert_type(Rasoat.open(), Rasoat)
    assert_type(
        Rasoat.open(
            url=text,
            keys=keys,
            create=True,
            schema=text,
            prefix=text,
            synchronous="FULL",
            read_url=text,
            clock=clock,
            ids=ids,
            calendar_for=calendar_for,
            settings={text: number},
            definitions=[folder],
            observers=[observer],
        ),
        Rasoat,
    )
    assert_type(Rasoat.open(text, keys=text), Rasoat)
    assert_type(Rasoat.bind(database, keys=keys), Rasoat)
    assert_type(
        Rasoat.bind(
            database=database,
            keys=keys,
            after_commit=after_commit,
            clock=clock,
            ids=ids,
            calendar_for=calendar_for,
            settings={text: number},
            definitions=[folder],
            observers=[observer],
        ),
        Rasoat,
    )
    assert_type(
        Rasoat(
            database,
            keys=keys,
            clock=clock,
            ids=ids,
            calendar_for=calendar_for,
            settings={text: number},
            definitions=[folder],
            observers=[observer],
        ),
        Rasoat,
    )


def living(engine: Rasoat) -> None:
    assert_type(engine.subscribe(subscriber=subscriber), Callable[[], None])
    with engine.transaction() as own, engine.transaction(connection=session, briefly=True) as joined:
        assert_type([own, joined], list[Tx])
    assert_type(engine.keys, KeyProvider)
    assert_type(engine.vault, Vault)
    assert_type(engine.database, Database)
    engine.close()


def asking(engine: Rasoat) -> None:
    assert_type(engine.agenda(), list[DueLine])
    assert_type(engine.agenda(working_days=number, unit_path=text, only=only), list[DueLine])
    assert_type(engine.case(text), CaseView)
    assert_type(engine.case(reference=text), CaseView)
    assert_type(engine.case_as_of(text), PastCase)
    assert_type(engine.case_as_of(reference=text, as_of=day, known_on=day), PastCase)
    assert_type(engine.cases_as_of(), Iterator[PastCase])
    assert_type(engine.cases_as_of(as_of=day, known_on=day, round_code=text, unit_path=text), Iterator[PastCase])
    assert_type(engine.cases_of_round(text), dict[str, int])
    assert_type(engine.cases_of_round(round_code=text, unit_path=text, states=[text]), dict[str, int])
    assert_type(engine.deadline(number), DeadlineView)
    assert_type(engine.deadline(deadline_id=number), DeadlineView)
    assert_type(engine.desk_feed(text, text), str)
    assert_type(engine.desk_feed(role=text, unit_path=text, language="vi"), str)
    assert_type(engine.due_between(day, day), list[DueLine])
    assert_type(engine.due_between(first=day, last=day, unit_path=text), list[DueLine])
    assert_type(engine.entry(text), int)
    assert_type(engine.entry(reference=text, trigger=text), int)
    assert_type(engine.find_by_identity(text), list[str])
    assert_type(engine.find_by_identity(number=text), list[str])
    assert_type(engine.left_out(text), list[str])
    assert_type(engine.left_out(round_code=text), list[str])
    assert_type(engine.lineage(text), tuple[str, list[LineageRow]])
    assert_type(engine.lineage(code=text), tuple[str, list[LineageRow]])
    assert_type(engine.outlooks(), list[RoundOutlook])
    assert_type(engine.outlooks(round_code=text), list[RoundOutlook])
    assert_type(engine.overdue(), list[DueLine])
    assert_type(engine.overdue(unit_path=text, as_of=day, only=only), list[DueLine])
    assert_type(engine.punctuality(), list[Punctuality])
    assert_type(engine.punctuality(by=By.COMMUNE, since=day, through=day, unit_path=text, only=only), list[Punctuality])
    assert_type(engine.season_end(text, day), date | None)
    assert_type(engine.season_end(procedure=text, started_on=day), date | None)
    assert_type(engine.settings(), list[StoredSetting])
    assert_type(engine.states(text), list[StateCount])
    assert_type(engine.states(round_code=text), list[StateCount])
    assert_type(engine.states_as_of(), list[StateCount])
    assert_type(engine.states_as_of(as_of=day, known_on=day, round_code=text, unit_path=text), list[StateCount])
    assert_type(engine.today(), date)
    assert_type(engine.units(), list[UnitRow])
    assert_type(engine.what_if([supposition], day), WhatIf)
    assert_type(engine.what_if(suppositions=[supposition], until=day, unit_paths=[text]), WhatIf)


def households(engine: Rasoat) -> None:
    assert_type(engine.change_area(change, text, text), HouseholdChange)
    assert_type(engine.change_area(order=change, code=text, area=text, connection=connection), HouseholdChange)
    assert_type(engine.change_head(change, text, number), HouseholdChange)
    assert_type(
        engine.change_head(order=change, code=text, head=number, relations={number: text}, connection=connection),
        HouseholdChange,
    )
    assert_type(engine.erase_household(text, reason=text, document=text, actor=text), Erased)
    assert_type(
        engine.erase_household(
            code=text, reason=text, document=text, actor=text, on_behalf_of=text, connection=connection
        ),
        Erased,
    )
    assert_type(engine.household(number), Household)
    assert_type(engine.household(household_id=number, reader=reader, connection=connection), Household)
    assert_type(engine.merge_communes(change, [text], text), HouseholdChange)
    assert_type(
        engine.merge_communes(
            order=change, communes=[text], new=text, villages={text: text}, name=text, connection=connection
        ),
        HouseholdChange,
    )
    assert_type(engine.merge_households(change, text, text), HouseholdChange)
    assert_type(
        engine.merge_households(order=change, code=text, into=text, relations={number: text}, connection=connection),
        HouseholdChange,
    )
    assert_type(engine.move_household(change, text, text), HouseholdChange)
    assert_type(engine.move_household(order=change, code=text, unit_path=text, connection=connection), HouseholdChange)
    assert_type(engine.recode_commune(change, text, text), HouseholdChange)
    assert_type(engine.recode_commune(order=change, old=text, new=text, connection=connection), HouseholdChange)
    assert_type(engine.register_households([household]), Registered)
    assert_type(engine.register_households(households=[household], connection=connection), Registered)
    assert_type(engine.split_household(change, text, text, {number: text}), HouseholdChange)
    assert_type(
        engine.split_household(
            order=change, code=text, new_code=text, members={number: text}, unit_path=text, connection=connection
        ),
        HouseholdChange,
    )


def deadlines(engine: Rasoat) -> None:
    assert_type(engine.cancel(order), Ruling)
    assert_type(engine.cancel(order=order, connection=connection), Ruling)
    assert_type(engine.extend(order, number), Ruling)
    assert_type(engine.extend(order=order, by=number, connection=connection), Ruling)
    assert_type(engine.flag_lost(), int)
    assert_type(engine.flag_lost(stop=lambda: False), int)
    assert_type(engine.fulfil(order), Ruling)
    assert_type(engine.fulfil(order=order, connection=connection), Ruling)
    assert_type(engine.open_milestones(text, plan), int)
    assert_type(engine.open_milestones(round_code=text, plan=plan, connection=connection), int)
    assert_type(engine.recalendar(), Recalendared)
    assert_type(engine.recalendar(library=library, unit_path=text, dry_run=True), Recalendared)
    assert_type(engine.resume(order), Ruling)
    assert_type(engine.resume(order=order, connection=connection), Ruling)
    assert_type(engine.run_due(), Ran)
    assert_type(engine.run_due(max_groups=number), Ran)
    assert_type(engine.supersede(order, day), Ruling)
    assert_type(engine.supersede(order=order, due_on=day, connection=connection), Ruling)
    assert_type(engine.suspend(order), Ruling)
    assert_type(engine.suspend(order=order, connection=connection), Ruling)


def acting(engine: Rasoat) -> None:
    assert_type(engine.correct(correction), Outcome)
    assert_type(engine.correct(order=correction, connection=connection), Outcome)
    assert_type(engine.fire(request), Outcome)
    assert_type(engine.fire(request=request, connection=connection), Outcome)
    assert_type(engine.fire_many(request), Outcome)
    assert_type(engine.fire_many(request=request, connection=connection), Outcome)
    assert_type(engine.load_units(units), int)
    assert_type(engine.load_units(units=units, connection=connection), int)
    assert_type(engine.migrate(migration, actor=text), MigrationReport)
    assert_type(
        engine.migrate(
            plan=migration,
            actor=text,
            answers={text: text},
            round_code=text,
            unit_path=text,
            dry_run=True,
            batch=number,
            max_batches=number,
            progress=print,
        ),
        MigrationReport,
    )
    assert_type(engine.open_round(text, text, text, day), RoundRow)
    assert_type(
        engine.open_round(
            code=text, procedure=text, unit_path=text, started_on=day, ends_on=day, plan=text, connection=connection
        ),
        RoundRow,
    )
    assert_type(engine.put_forward(text, {text: {text: text}}, day), RoundOpened)
    assert_type(
        engine.put_forward(
            round_code=text, households={text: {text: text}}, opened_on=day, actor=text, connection=connection
        ),
        RoundOpened,
    )
    assert_type(engine.register_units([{text: text}]), int)
    assert_type(engine.register_units(units=[{text: text}], connection=connection), int)
    assert_type(engine.rehearse(text), Rehearsal)
    assert_type(
        engine.rehearse(round_code=text, workflow=text, calendar=calendar, settings={text: number}, progress=print),
        Rehearsal,
    )
    engine.require_settings({text: number})
    engine.require_settings(given={text: number}, workflow=text)
    engine.set_setting(text, number)
    engine.set_setting(key=text, value=number, workflow=text, unit_path=text, connection=connection)
    assert_type(engine.undo(undo), Outcome)
    assert_type(engine.undo(order=undo, connection=connection), Outcome)
    engine.unset_setting(text)
    engine.unset_setting(key=text, workflow=text, unit_path=text, connection=connection)
