"""Forms: what an official may write, in canonical form; what does not fit is told by field."""

from __future__ import annotations

import pytest

from rasoat.engine.forms import FormFault, form, forms
from rasoat.foundation.errors import DefinitionError
from rasoat.workflows.forms import FORMS, register_all
from tests.support.cases import MINUTES, survey_row

KEYS = [one.key for one in FORMS]


@pytest.fixture(autouse=True)
def _registered():
    register_all()


def body_faults(key: str, given: dict) -> set[str]:
    return {fault.field for fault in form(key).body(given)[1]}


def row_faults(key: str, given: dict) -> set[str]:
    return {fault.field for fault in form(key).row(given)[1]}


@pytest.mark.parametrize("key", KEYS)
def test_every_form_has_a_json_schema_that_forbids_what_it_does_not_know(key):
    schema = form(key).schema()
    assert set(schema) == {"body", "row"}
    assert all(part["additionalProperties"] is False for part in schema.values())


@pytest.mark.parametrize("key", KEYS)
def test_every_sample_a_form_offers_for_exploring_fits_the_form(key):
    assert all(form(key).body(body)[1] == () for body, _ in form(key).samples)
    row_wanted = [row for _, row in form(key).samples if row]
    assert all(form(key).row(row)[1] == () for row in row_wanted)


@pytest.mark.parametrize("key", KEYS)
def test_a_field_nobody_knows_is_a_fault(key):
    assert "colour" in body_faults(key, {"colour": "red"})


def test_text_is_kept_in_composed_form_with_single_blanks():
    body, faults = form("document").body({"number": "  31/BC  U\u031bBND "})
    assert (body, faults) == ({"number": "31/BC \u01afBND"}, ())


def test_what_was_left_out_is_left_out_and_not_null():
    assert form("document").body({}) == ({}, ())
    assert form("survey").row(survey_row())[0] == survey_row()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"b2": 35}, "row.b2"),
        ({"b2": 130}, "row.b2"),
        ({"b1": -1}, "row.b1"),
        ({"b1": 140.0}, "row.b1"),
        ({"b1": "140"}, "row.b1"),
        ({"area": "suburb"}, "row.area"),
        ({"respondent": "neighbour"}, "row.respondent"),
    ],
)
def test_phieu_b_takes_whole_scores_of_ten_an_indicator(change, field):
    assert row_faults("survey", survey_row() | change) == {field}


@pytest.mark.parametrize(
    "change",
    [
        {"in_favour": 11},
        {"households_represented": 5, "households_in_favour": 6},
        {"households_represented": 6, "households_listed": 5},
    ],
)
def test_minutes_cannot_count_more_votes_than_voters(change):
    (fault,) = form("meeting").body(MINUTES | change)[1]
    assert isinstance(fault, FormFault)
    assert fault.expected.startswith("part=")
    assert " ≤ " in fault.expected


@pytest.mark.parametrize("missing", sorted(MINUTES))
def test_minutes_that_leave_a_figure_or_a_signature_open_are_faulty(missing):
    assert body_faults("meeting", {k: v for k, v in MINUTES.items() if k != missing}) == {missing}


@pytest.mark.parametrize(
    ("key", "part", "given", "field"),
    [
        ("screening", "row", {"signs": 10}, "row.signs"),
        ("screening", "row", {}, "row.signs"),
        ("posting", "body", {"at_village_house": True}, "at_commune_office"),
        ("complaint", "body", {}, "subject_code"),
        ("withdrawal", "row", {}, "row.reason"),
        ("request", "body", {"channel": "pigeon"}, "channel"),
        ("income_survey", "row", {"income": -1, "area": "rural", "respondent": "head"}, "row.income"),
        ("appraisal", "row", {"area": "rural", "b2": 110}, "row.b2"),
        ("decision", "body", {"effective_on": "soon"}, "effective_on"),
        ("refusal", "body", {"reason": ""}, "reason"),
    ],
)
def test_what_a_form_must_say_is_asked_for_by_field(key, part, given, field):
    assert (body_faults if part == "body" else row_faults)(key, given) == {field}


def test_a_certificate_is_numbered_as_the_decision_prescribes():
    paper = {
        "number": "0007/2022/GCN-HN.HCN", "head": "Hộ 7", "address": "Thôn 1", "household_class": "poor",
        "decision": "77/QĐ-UBND", "issued_on": "2022-11-07",
    }  # fmt: skip
    assert form("certificate").body(paper)[1] == ()
    assert body_faults("certificate", paper | {"number": "7"}) == {"number"}
    assert body_faults("certificate", paper | {"household_class": "none"}) == {"household_class"}


def test_an_identity_number_has_nine_or_twelve_digits():
    entry = {"head": "Hộ 7", "sex": "female", "address": "Thôn 1", "b1": 120, "b2": 30}
    assert row_faults("exit_list", entry | {"identity_number": "123456789012"}) == set()
    assert row_faults("exit_list", entry | {"identity_number": "1234567890"}) == {"row.identity_number"}


def test_an_unknown_form_is_named_with_those_there_are():
    with pytest.raises(DefinitionError, match=r"unknown form 'ballot'; registered forms: .*meeting"):
        form("ballot")
    assert set(forms()) >= set(KEYS)
