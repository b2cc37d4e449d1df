"""Effects: what a step leaves for later steps, and what it leaves alone."""

from __future__ import annotations

import json
from datetime import date

import pytest

from rasoat.engine.effects import EFFECTS, effect_spec
from rasoat.foundation.errors import DefinitionError
from tests.support.cases import Walk, compiled, survey_row
from tests.support.definitions import altered, arrow

START = date(2022, 9, 26)


def remembering(**sources) -> dict:
    """The facts after an act whose effect remembers `sources`."""
    from rasoat.engine.machine import CompiledWorkflow

    def change(table):
        arrow(table, "list_managed", "registered").update(effects=[{"name": "remember", **sources}])

    walk = Walk(
        CompiledWorkflow(altered("annual@2022", change)), START, origin="managed", class_before="poor", former=True
    )
    walk.does("list_managed", date(2022, 9, 27), {"list_number": "3"})
    return walk.facts


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("day", "2022-09-27"),
        ("actor", "everyone"),
        ("act.list_number", "3"),
        ("row.list_number", "3"),
        ("fact.origin", "managed"),
        ("fact.class_before", "poor"),
        (True, True),
        (7, 7),
        ("a word", "a word"),
    ],
)
def test_a_fact_is_kept_from_where_the_definition_says(source, kept):
    assert remembering(noted=source)["noted"] == kept


def test_nothing_is_kept_of_what_was_not_said():
    assert "noted" not in remembering(noted="act.absent")


def test_a_later_effect_sees_what_an_earlier_one_left():
    def change(table):
        arrow(table, "survey", "listed")["effects"].append({"name": "change"})

    from rasoat.engine.machine import CompiledWorkflow

    walk = Walk(CompiledWorkflow(altered("annual@2022", change)), START, origin="managed", class_before="poor")
    walk.does("list_managed", date(2022, 9, 27))
    walk.does("survey", date(2022, 9, 28), row=survey_row(141, 0))
    assert (walk.facts["class_after"], walk.facts["change"]) == ("none", "escaped_poverty")


@pytest.mark.parametrize(
    ("before", "after", "former", "change"),
    [
        ("poor", "poor", False, "unchanged"),
        ("poor", "near_poor", False, "escaped_to_near_poor"),
        ("poor", "none", False, "escaped_poverty"),
        ("near_poor", "poor", False, "fell_to_poor"),
        ("near_poor", "near_poor", False, "unchanged"),
        ("near_poor", "none", False, "escaped_near_poverty"),
        ("none", "poor", False, "newly_arisen"),
        ("none", "poor", True, "fell_back"),
        ("none", "near_poor", True, "fell_back"),
        ("none", "none", False, "unchanged"),
        ("average", "near_poor", False, "newly_arisen"),
        ("average", "none", False, "unchanged"),
    ],
)
def test_every_pair_of_classes_has_its_name_in_the_reports(before, after, former, change):
    scores = {"poor": (100, 40), "near_poor": (100, 10), "none": (200, 0)}[after]
    walk = Walk("monthly-exit@2022", date(2022, 9, 15), class_before=before, former=former)
    case = walk.simulated.case
    walk.simulated = walk.simulated.__class__(
        case._replace(state="listed", facts=f'{{"former":{str(former).lower()}}}')
    )
    walk.does("survey", date(2022, 9, 16), row=survey_row(*scores))
    scored = walk.simulated.case
    posted = json.dumps({**json.loads(scored.facts), "posting_until": "2022-09-19"}, separators=(",", ":"))
    walk.simulated = walk.simulated.__class__(scored._replace(state="settled", facts=posted))
    walk.does("summarise", date(2022, 9, 20))
    assert walk.facts["change"] == change


def test_effects_are_known_by_name_with_their_parameters():
    with pytest.raises(DefinitionError, match=r"unknown effect 'magic'; known effects: .*remember"):
        effect_spec("magic", {})
    with pytest.raises(
        DefinitionError, match=r"effect 'certify': expected parameters \['classes', 'style'\], found \[\]"
    ):
        effect_spec("certify", {})
    assert effect_spec("remember", {"any": "day"}) is EFFECTS["remember"]


def test_the_shipped_definitions_forget_the_opinion_on_a_contested_result():
    back = [t for t in compiled("annual@2025").workflow.transitions if t.trigger == "complain" and t.cancels]
    assert [t.target for t in back] == ["recheck"]
    forgotten = {fact for use in back[0].effects if use.name == "forget" for fact in use.params["facts"]}
    assert {"opinion", "posting_until"} <= forgotten
